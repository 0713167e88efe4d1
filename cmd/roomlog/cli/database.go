package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"roomlog/eventstore/localpg"
	"roomlog/internal/wait"
)

const (
	attachTimeout  = 30 * time.Second // long enough for PostgreSQL to replay its write-ahead log
	attachInterval = 100 * time.Millisecond
)

// RestoreMarker is the name of a file in a data folder into which a backup is being restored.
const RestoreMarker = "restore.json"

// ErrRestoring means that a restore into the data folder has not ended.
var ErrRestoring = errors.New("a restore into the data folder has not ended")

// CheckRestored returns ErrRestoring if a restore into the data folder dir has not ended.
func CheckRestored(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, RestoreMarker)); err == nil {
		return fmt.Errorf("%w: %s", ErrRestoring, dir)
	}
	return nil
}

// DataDir returns the absolute path of the data folder. The folder need not exist.
func (g *Globals) DataDir(sh Shell) (string, error) {
	dir := g.Data
	if dir == "" {
		var err error
		if dir, err = localpg.DefaultDir(sh.Getenv); err != nil {
			return "", err
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	return dir, nil
}

// PostgresConfig returns the configuration of a private PostgreSQL in the data folder dir.
func (g *Globals) PostgresConfig(sh Shell, dir string, log *slog.Logger) localpg.Config {
	return localpg.Config{DataDir: dir, BinDir: g.PostgresBin, RegistryURL: g.NPMRegistry, Log: log, Getenv: sh.Getenv}
}

// CreateDatabase returns the connection string of the database like Database, but creates a private PostgreSQL if the
// data folder has none.
func (g *Globals) CreateDatabase(ctx context.Context, sh Shell, log *slog.Logger) (dsn string, release func() error, err error) {
	return g.open(ctx, sh, log, false, CheckRestored)
}

// RestoreDatabase does the same as CreateDatabase, for a command that restores a backup or continues to restore it.
func (g *Globals) RestoreDatabase(ctx context.Context, sh Shell, log *slog.Logger) (dsn string, release func() error, err error) {
	return g.open(ctx, sh, log, false, func(string) error { return nil })
}

// Database returns the connection string of the database, with the rights of its owner. The database is the one of
// DATABASE_URL. Without DATABASE_URL, it is the private PostgreSQL of the data folder: that of a running server, or one
// that runs until release is called. Database fails with localpg.ErrNoDatabase, and creates nothing, if the data folder
// has no private PostgreSQL.
func (g *Globals) Database(ctx context.Context, sh Shell, log *slog.Logger) (dsn string, release func() error, err error) {
	return g.open(ctx, sh, log, true, CheckRestored)
}

func (g *Globals) open(ctx context.Context, sh Shell, log *slog.Logger, existing bool, check func(dir string) error) (dsn string, release func() error, err error) {
	nothing := func() error { return nil }
	if dsn, err = Variable(sh.Getenv, DatabaseURL); err != nil || dsn != "" {
		return dsn, nothing, err
	}
	dir, err := g.DataDir(sh)
	if err != nil {
		return "", nil, err
	}
	if err := check(dir); err != nil {
		return "", nil, err
	}
	config := g.PostgresConfig(sh, dir, log)
	config.Existing = existing
	waiting, cancel := context.WithTimeout(ctx, attachTimeout)
	defer cancel()
	for {
		dsn, err = localpg.Attach(dir)
		if !errors.Is(err, localpg.ErrNotRunning) {
			return dsn, nothing, err
		}
		own, err := localpg.Start(ctx, config)
		if err == nil {
			return own.DSN(localpg.Database), own.Stop, nil
		}
		if !errors.Is(err, localpg.ErrInUse) { // otherwise another process is starting or stopping the private PostgreSQL
			return "", nil, err
		}
		if !wait.Sleep(waiting, attachInterval) {
			return "", nil, err
		}
	}
}
