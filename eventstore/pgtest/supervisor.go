package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/eventstore/localpg"
)

const (
	superviseEnv   = "ROOMLOG_PGTEST_SUPERVISE" // names the folder; makes a test binary the supervisor
	idleEnv        = "ROOMLOG_PGTEST_IDLE"      // how long the server stays without a test process
	idle           = 10 * time.Second
	supervisorTick = 50 * time.Millisecond
	keepTemplates  = 3
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
func supervise(dir string, idle time.Duration) error {
	ctx := context.Background()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	server, err := startShared(ctx, dir, log)
	if errors.Is(err, localpg.ErrInUse) {
		return nil // another supervisor was faster
	}
	if err != nil {
		return err
	}
	defer server.Stop()
	conn, err := pgx.Connect(ctx, server.DSN("postgres"))
	if err != nil {
		return err
	}
	if err := dropTemplates(ctx, conn, keepTemplates); err != nil {
		log.Warn("drop old templates", slog.Any("err", err))
	}
	users, err := os.OpenFile(usersFile(dir), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	tick := time.NewTicker(supervisorTick)
	defer tick.Stop()
	var abandoned []string
	for since := time.Now(); ; {
		select {
		case <-server.Done():
			return errors.New("the server has gone")
		case <-tick.C:
		}
		if syscall.Flock(int(users.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
			since, abandoned = time.Now(), nil
			dropDone(ctx, conn, dir, log)
			continue
		}
		if time.Since(since) > idle {
			return nil // keeping the lock while stopping: newcomers wait, then start a server of their own
		}
		if abandoned == nil {
			abandoned, err = databases(ctx, conn) // nobody lives, so nobody needs any of these
		}
		_ = syscall.Flock(int(users.Fd()), syscall.LOCK_UN)
		if err != nil {
			return err
		}
		drop(ctx, conn, abandoned, log)
		abandoned = []string{}
	}
}

// startShared starts the server. Data that cannot be started, be it of another
// version or broken by a power cut, is thrown away: there is nothing in it to keep.
func startShared(ctx context.Context, dir string, log *slog.Logger) (*localpg.Server, error) {
	config := localpg.Config{Dir: dir, Unsafe: true, Settings: map[string]string{"max_connections": "500", "max_wal_size": "512MB"}, Log: log}
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

// dropDone drops the databases whose tests have left a note. DROP DATABASE takes a
// while when backends are still on their way out; no test waits for that.
func dropDone(ctx context.Context, conn *pgx.Conn, dir string, log *slog.Logger) {
	entries, err := os.ReadDir(doneDir(dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("read notes", slog.Any("err", err))
	}
	for _, e := range entries {
		drop(ctx, conn, []string{e.Name()}, log)
		_ = os.Remove(filepath.Join(doneDir(dir), e.Name()))
	}
}

func drop(ctx context.Context, conn *pgx.Conn, names []string, log *slog.Logger) {
	for _, name := range names {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		if _, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)"); err != nil {
			log.Warn("drop database", slog.String("name", name), slog.Any("err", err))
		}
	}
}

// databases lists those of tests.
func databases(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	rows, err := conn.Query(ctx, "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", prefix)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// dropTemplates drops all but the newest templates.
func dropTemplates(ctx context.Context, conn *pgx.Conn, keep int) error {
	rows, err := conn.Query(ctx, "SELECT datname FROM pg_database WHERE starts_with(datname, $1) ORDER BY oid DESC OFFSET $2", templatePrefix, keep)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := conn.Exec(ctx, "ALTER DATABASE "+quote(name)+" IS_TEMPLATE false"); err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+quote(name)); err != nil {
			return err
		}
	}
	return nil
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

func usersFile(dir string) string { return filepath.Join(dir, "users") }
func doneDir(dir string) string   { return filepath.Join(dir, "done") }
