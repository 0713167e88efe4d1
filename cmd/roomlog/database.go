package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"roomlog/eventstore/localpg"
)

const (
	attachPatience = 30 * time.Second // a server that is starting replays its log first
	attachPause    = 100 * time.Millisecond
)

// dataFolder answers where everything is that is not in the database.
func (g *globals) dataFolder(sh shell) (string, error) {
	dir := g.Data
	if dir == "" {
		var err error
		if dir, err = localpg.DefaultDir(sh.getenv); err != nil {
			return "", err
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	return dir, nil
}

// private answers how to run a PostgreSQL of our own in the data folder.
func (g *globals) private(sh shell, dir string, log *slog.Logger) localpg.Config {
	return localpg.Config{DataDir: dir, BinDir: g.PostgresBin, RegistryURL: g.NPMRegistry, Log: log, Getenv: sh.getenv}
}

// reach answers the address of the database as its owner: the one in DATABASE_URL, that of the server
// which runs on the data folder, or of one that runs until release is called.
func (g *globals) reach(ctx context.Context, sh shell, log *slog.Logger) (dsn string, release func() error, err error) {
	nothing := func() error { return nil }
	if dsn, err = given(sh.getenv, "DATABASE_URL"); err != nil || dsn != "" {
		return dsn, nothing, err
	}
	dir, err := g.dataFolder(sh)
	if err != nil {
		return "", nil, err
	}
	patience, cancel := context.WithTimeout(ctx, attachPatience)
	defer cancel()
	for {
		dsn, err = localpg.Attach(dir)
		if !errors.Is(err, localpg.ErrNotRunning) {
			return dsn, nothing, err
		}
		own, err := localpg.Start(ctx, g.private(sh, dir, log))
		if err == nil {
			return own.DSN(localpg.Database), own.Stop, nil
		}
		if !errors.Is(err, localpg.ErrInUse) { // else another process is just starting or stopping it
			return "", nil, err
		}
		select {
		case <-patience.Done():
			return "", nil, err
		case <-time.After(attachPause):
		}
	}
}
