package failover

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/eventstore/pgtest"
	"roomlog/internal/wait"
)

const (
	pollInterval = 20 * time.Millisecond
	longest      = 180 // maximum time in seconds for a standby to catch up, a recovery or an archive
)

// Database is a migrated database behind one address. Its methods fail the test after an error, so only the goroutine
// of the test may call them.
type Database struct {
	t       testing.TB
	address *address
	primary *server
	former  *server         // the primary before the last Promote; nil if there was none
	hba     string          // path of the pg_hba.conf that all servers use
	more    []pgtest.Option // options for all servers
}

// server is one PostgreSQL server, with the folder in which it archives its write-ahead log.
type server struct {
	*pgtest.Instance
	archive string
}

// Start starts a primary. The end of the test stops it. The options apply to all servers.
func Start(t testing.TB, options ...pgtest.Option) *Database {
	t.Helper()
	d := &Database{t: t, more: options, hba: filepath.Join(pgtest.Dir(t), "pg_hba.conf")}
	// The mode of the socket's folder excludes all users except root and the user of PostgreSQL.
	if err := os.WriteFile(d.hba, []byte("local all all trust\nlocal replication all trust\n"), 0o644); err != nil {
		t.Fatalf("failover: %v", err)
	}
	archive := pgtest.Dir(t)
	d.primary = &server{pgtest.Server(t, d.options(archive)...), archive}
	d.own(archive)
	d.address = newAddress(t)
	d.address.point(d.primary.Socket())
	return d
}

// options returns the settings that every server needs, because each can become the primary.
func (d *Database) options(archive string, more ...pgtest.Option) []pgtest.Option {
	return append([]pgtest.Option{
		pgtest.Setting("hba_file", d.hba),
		pgtest.Setting("wal_level", "replica"),
		pgtest.Setting("max_wal_senders", "10"),
		pgtest.Setting("wal_keep_size", "512MB"),
		pgtest.Setting("archive_mode", "on"),
		pgtest.Setting("archive_command", "cp %p "+archive+"/%f"),
		pgtest.Setting("wal_retrieve_retry_interval", "100ms"),
	}, slices.Concat(d.more, more)...)
}

// DSN returns the connection string of the address. It never changes.
func (d *Database) DSN() string {
	u, err := url.Parse(d.primary.DSN())
	if err != nil {
		d.t.Fatalf("failover: %v", err)
	}
	u.Host, u.RawQuery = d.address.listener.Addr().String(), "sslmode=disable"
	return u.String()
}

// AwaitCommit waits until a commit of the primary waits for a standby.
func (d *Database) AwaitCommit() {
	d.t.Helper()
	d.await("a commit to wait for the standby", d.primary, "SELECT (EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'))::text")
}

// replace makes another server the primary and points the address to it. It kills the previous primary.
func (d *Database) replace(next *server) {
	d.t.Helper()
	d.address.point("")
	d.primary.Kill()
	d.primary = next
	d.address.point(next.Socket())
}

// Execute executes statements on the primary as the owner of the database, each in its own transaction.
func (d *Database) Execute(statements ...string) {
	d.t.Helper()
	d.execute(d.primary, statements...)
}

// execute executes statements on a server, each in its own transaction.
func (d *Database) execute(s *server, statements ...string) {
	d.t.Helper()
	conn := d.connect(s)
	defer conn.Close(d.t.Context())
	for _, sql := range statements {
		if _, err := conn.Exec(d.t.Context(), sql); err != nil {
			d.t.Fatalf("failover: %s: %v", sql, err)
		}
	}
}

func (d *Database) connect(s *server) *pgx.Conn {
	d.t.Helper()
	conn, err := pgx.Connect(d.t.Context(), s.DSN())
	if err != nil {
		d.t.Fatalf("failover: %v", err)
	}
	return conn
}

// query returns the result of a query with one column and one row as a string, or "" for NULL.
func (d *Database) query(s *server, sql string) string {
	d.t.Helper()
	conn := d.connect(s)
	defer conn.Close(d.t.Context())
	var value *string
	if err := conn.QueryRow(d.t.Context(), sql).Scan(&value); err != nil {
		d.t.Fatalf("failover: %s: %v", sql, err)
	}
	if value == nil {
		return ""
	}
	return *value
}

// start starts a server on the data directory dir.
func (d *Database) start(dir string, more ...pgtest.Option) *server {
	d.t.Helper()
	archive := pgtest.Dir(d.t)
	d.own(archive)
	return &server{pgtest.Existing(d.t, dir, d.options(archive, more...)...), archive}
}

// write writes a file into the data directory of a server that is not running.
func (d *Database) write(dir, name, text string) {
	d.t.Helper()
	path := filepath.Join(dir, "postgres", name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		d.t.Fatalf("failover: %v", err)
	}
	d.own(path)
}

// await repeats a query until it returns true.
func (d *Database) await(what string, s *server, sql string) {
	d.t.Helper()
	for range longest * int(time.Second/pollInterval) {
		if d.query(s, sql) == "true" {
			return
		}
		wait.Sleep(d.t.Context(), pollInterval)
	}
	d.t.Fatalf("failover: waited %d s for %s", longest, what)
}

// own makes the user that the primary runs as the owner of a file or folder.
func (d *Database) own(path string) {
	d.t.Helper()
	owner := d.owner()
	if err := os.Lchown(path, int(owner.Uid), int(owner.Gid)); err != nil {
		d.t.Fatalf("failover: %v", err)
	}
}

// owner returns the user and group that own the primary's files.
func (d *Database) owner() *syscall.Stat_t {
	d.t.Helper()
	info, err := os.Stat(filepath.Join(d.primary.DataDir(), "postgres"))
	if err != nil {
		d.t.Fatalf("failover: %v", err)
	}
	return info.Sys().(*syscall.Stat_t)
}
