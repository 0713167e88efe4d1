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
	superviseEnv   = "ROOMLOG_PGTEST_SUPERVISE" // names the folder; makes a test binary the supervisor
	idleEnv        = "ROOMLOG_PGTEST_IDLE"      // how long the server stays without a test process
	idle           = 10 * time.Second
	supervisorTick = 50 * time.Millisecond
)

// init turns this process into the supervisor if it was started as one. It has to
// happen before any test runs, in whatever test binary came first.
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

func idleTime() time.Duration {
	if d, err := time.ParseDuration(os.Getenv(idleEnv)); err == nil {
		return d
	}
	return idle
}

// supervise holds the server while test processes live, and drops the databases they have done with.
func supervise(dir string, idle time.Duration) (err error) {
	ctx := context.Background()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	server, err := startShared(ctx, dir, log)
	if errors.Is(err, localpg.ErrInUse) {
		return nil // another supervisor was faster
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	_ = os.Truncate(supervisorLog(dir), 0) // of earlier runs
	users, err := os.OpenFile(usersFile(dir), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	b := broom{dsn: server.DSN("postgres"), log: log}
	b.templates(ctx)
	tick := time.NewTicker(supervisorTick)
	defer tick.Stop()
	for since, swept := time.Now(), false; ; {
		select {
		case <-server.Done():
			return errors.New("the server has gone")
		case <-tick.C:
		}
		if syscall.Flock(int(users.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil { // a test process lives
			since, swept = time.Now(), false
			b.noted(ctx, doneDir(dir))
			continue
		}
		if time.Since(since) > idle {
			return nil // keeping the lock while stopping: newcomers wait, then start a server of their own
		}
		var left []string
		if !swept {
			swept = true
			left = b.left(ctx) // under the lock: nobody lives, so nobody needs any of these
		}
		_ = syscall.Flock(int(users.Fd()), syscall.LOCK_UN)
		b.drop(ctx, left...)
	}
}

// startShared starts the server. Data that cannot be started, be it of another
// version or broken by a power cut, is thrown away: there is nothing in it to keep.
func startShared(ctx context.Context, dir string, log *slog.Logger) (*localpg.Server, error) {
	config := localpg.Config{DataDir: dir, Unsafe: true, Settings: map[string]string{"max_connections": "500", "max_wal_size": "512MB"}, Log: log}
	server, err := localpg.Start(ctx, config)
	if err == nil || errors.Is(err, localpg.ErrInUse) {
		return server, err
	}
	log.Warn("starting with new data", slog.Any("err", err))
	if err := os.RemoveAll(filepath.Join(dir, "postgres")); err != nil {
		return nil, err
	}
	return localpg.Start(ctx, config)
}

func usersFile(dir string) string { return filepath.Join(dir, "users") }
func doneDir(dir string) string   { return filepath.Join(dir, "done") }
