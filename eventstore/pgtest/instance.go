package pgtest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"roomlog/eventstore/localpg"
	"roomlog/migrations"
)

// Option changes how Server starts its PostgreSQL.
type Option func(*localpg.Config)

// Durable is an Option that makes PostgreSQL wait for the disk, as in production, and stores the data on a disk. Use it
// in tests of faults and in measurements.
func Durable(c *localpg.Config) { c.Unsafe = false }

// Setting returns an Option that sets a parameter of PostgreSQL.
func Setting(name, value string) Option {
	return func(c *localpg.Config) { c.Settings[name] = value }
}

// Instance is the PostgreSQL server of one test, with one migrated database. Its methods fail the test after an error,
// so only the goroutine of the test may call them.
type Instance struct {
	t       testing.TB
	config  localpg.Config
	server  *localpg.Server
	serving bool
}

// Server starts a PostgreSQL server for this test alone, which the test can kill, stop, fill or measure. The start
// takes a quarter of a second. For everything else use New.
func Server(t testing.TB, options ...Option) *Instance {
	t.Helper()
	skip(t)
	i := &Instance{t: t, config: localpg.Config{Unsafe: true, Settings: map[string]string{}}}
	for _, option := range options {
		option(&i.config)
	}
	parent := fastDir()
	if !i.config.Unsafe {
		parent = os.TempDir()
	}
	i.config.DataDir = makeDir(t, parent)
	t.Cleanup(i.Stop)
	ctx, cancel := context.WithTimeout(context.Background(), setupWait)
	defer cancel()
	err := prepared(ctx, i.config.DataDir)
	if err != nil {
		t.Logf("pgtest: creating a data directory instead of copying one: %v", err)
	}
	i.begin(ctx, err == nil)
	return i
}

// Existing starts a server for this test alone on the data directory dir/postgres, for example a base backup or a
// standby. It returns when the server accepts queries. The database in it must be migrated.
func Existing(t testing.TB, dir string, options ...Option) *Instance {
	t.Helper()
	i := &Instance{t: t, config: localpg.Config{Unsafe: true, DataDir: dir, Settings: map[string]string{}}, serving: true}
	for _, option := range options {
		option(&i.config)
	}
	t.Cleanup(i.Stop)
	i.Start()
	return i
}

// begin starts the server for the first time and migrates its database. If the server cannot start on a copied data
// directory, begin creates a new one, because another version of PostgreSQL may have written the copy.
func (i *Instance) begin(ctx context.Context, copied bool) {
	i.t.Helper()
	var err error
	i.server, err = localpg.Start(ctx, i.config)
	if err != nil && copied {
		if err = errors.Join(forget(), os.RemoveAll(filepath.Join(i.config.DataDir, "postgres"))); err == nil {
			i.server, err = localpg.Start(ctx, i.config)
		}
	}
	if err != nil {
		i.t.Fatalf("pgtest: %v", err)
	}
	result, err := migrations.Apply(ctx, i.DSN(), migrations.Config{})
	if err != nil {
		i.t.Fatalf("pgtest: %v", err)
	}
	i.serving = result.ServingRole
}

// Dir returns a temporary folder for the data of PostgreSQL. Unlike t.TempDir it also works if the test runs as root
// and PostgreSQL therefore runs as another user.
func Dir(t testing.TB) string {
	t.Helper()
	return makeDir(t, fastDir())
}

// makeDir creates a temporary folder. The end of the test deletes it.
func makeDir(t testing.TB, parent string) string {
	t.Helper()
	dir, err := os.MkdirTemp(parent, "roomlog-test-")
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return dir
}

// DSN returns the connection string of the database owner. It stays the same after a restart.
func (i *Instance) DSN() string { return i.server.DSN(localpg.Database) }

// Open returns pools for the migrated database. The end of the test closes them.
func (i *Instance) Open() *DB {
	i.t.Helper()
	return open(i.t, i.DSN(), i.serving)
}

// DataDir returns the data folder. Its subfolder postgres is the data directory of PostgreSQL.
func (i *Instance) DataDir() string { return i.config.DataDir }

// Socket returns the path of the unix socket.
func (i *Instance) Socket() string { return filepath.Join(i.server.SocketDir(), ".s.PGSQL.5432") }

// PID returns the process id of PostgreSQL's main process.
func (i *Instance) PID() int { return i.server.PID() }

// Kill kills the main process with SIGKILL and waits for its end.
func (i *Instance) Kill() {
	i.t.Helper()
	if err := syscall.Kill(i.server.PID(), syscall.SIGKILL); err != nil {
		i.t.Fatalf("pgtest: kill PostgreSQL: %v", err)
	}
	select {
	case <-i.server.Done():
	case <-time.After(closeWait):
		i.t.Fatal("pgtest: PostgreSQL survives kill -9")
	}
}

// Stop shuts PostgreSQL down, if it is running.
func (i *Instance) Stop() {
	i.t.Helper()
	if i.server == nil {
		return
	}
	if err := i.server.Stop(); err != nil {
		i.t.Errorf("pgtest: %v", err)
	}
}

// Start starts PostgreSQL after Kill or Stop, on the same data.
func (i *Instance) Start() {
	i.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), setupWait)
	defer cancel()
	server, err := localpg.Start(ctx, i.config)
	if err != nil {
		i.t.Fatalf("pgtest: %v", err)
	}
	i.server = server
}

// Restart shuts PostgreSQL down, if it is running, and starts it again.
func (i *Instance) Restart() {
	i.t.Helper()
	i.Stop()
	i.Start()
}
