package pgtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"roomlog/eventstore/localpg"
)

const (
	idleEnv        = "ROOMLOG_PGTEST_IDLE" // time for which the server continues without a test process
	defaultIdle    = 10 * time.Second
	supervisorTick = 50 * time.Millisecond
)

// init makes this process the supervisor, if it was started as one. Every test binary that uses the package can thereby
// become the supervisor, without a line in its TestMain. This is the reason for the exception from the project's rule
// against init functions.
func init() {
	dir := os.Getenv(superviseEnv)
	if dir == "" {
		return
	}
	if err := supervise(dir, idleTime()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// idleTime returns the time for which the server continues without a test process.
func idleTime() time.Duration {
	if d, err := time.ParseDuration(os.Getenv(idleEnv)); err == nil {
		return d
	}
	return defaultIdle
}

// supervise runs the server while there are test processes, and drops the databases of tests that have ended. It
// returns when there has been no test process for the time idle.
func supervise(dir string, idle time.Duration) (err error) {
	ctx := context.Background()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	server, err := startShared(ctx, dir, log)
	if errors.Is(err, localpg.ErrInUse) {
		return nil // another process has become the supervisor first
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	_ = os.Truncate(supervisorLog(dir), 0) // deletes the messages of earlier runs
	users, err := os.OpenFile(usersFile(dir), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	c := cleaner{dsn: server.DSN("postgres"), log: log}
	c.dropOldTemplates(ctx)
	tick := time.NewTicker(supervisorTick)
	defer tick.Stop()
	for since, cleaned := time.Now(), false; ; {
		select {
		case <-server.Done():
			return errors.New("the server has ended")
		case <-tick.C:
		}
		if syscall.Flock(int(users.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil { // a test process is running
			since, cleaned = time.Now(), false
			c.dropNoted(ctx, doneDir(dir))
			continue
		}
		if time.Since(since) > idle { // time passes: an idle server ends
			return nil // the lock is held until the server has stopped; a new test process waits for that, and then starts another supervisor
		}
		var left []string
		if !cleaned {
			cleaned = true
			left = c.databases(ctx) // while this lock is held there is no test process, so no database is in use
		}
		_ = syscall.Flock(int(users.Fd()), syscall.LOCK_UN)
		c.drop(ctx, left...)
	}
}

// startShared starts the server. The start fails if another version has written the data, or if a power failure has
// damaged it. startShared then deletes the data and tries again.
func startShared(ctx context.Context, dir string, log *slog.Logger) (*localpg.Server, error) {
	config := localpg.Config{DataDir: dir, Unsafe: true, Settings: map[string]string{"max_connections": "500", "max_wal_size": "512MB"}, Log: log}
	server, err := localpg.Start(ctx, config)
	if err == nil || errors.Is(err, localpg.ErrInUse) {
		return server, err
	}
	log.Warn("test server not started, deleting its data", slog.Any("error", err))
	if err := os.RemoveAll(filepath.Join(dir, "postgres")); err != nil {
		return nil, err
	}
	return localpg.Start(ctx, config)
}
