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
	longest      = 60 // seconds that a standby, a recovery or an archive may take
)

// Database is a migrated database behind one address. Its methods fail the test after an error, so that only the goroutine of
// the test may call them.
type Database struct {
	t       testing.TB
	address *address
	primary *server
	hba     string          // the path of pg_hba.conf of all servers
	more    []pgtest.Option // of all servers
}

// server is one PostgreSQL with the folder in which it archives its write-ahead log.
type server struct {
	*pgtest.Instance
	archive string
}

// Start starts a primary, which the test ends. The options apply to all servers.
func Start(t testing.TB, options ...pgtest.Option) *Database {
	t.Helper()
	d := &Database{t: t, more: options, hba: filepath.Join(pgtest.Dir(t), "pg_hba.conf")}
	// The folder of the socket excludes all users but root and the user of PostgreSQL.
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

// options returns the settings of every server: each can be a primary.
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

// DSN returns the connection string of the address. It stays the same.
func (d *Database) DSN() string {
	u, err := url.Parse(d.primary.DSN())
	if err != nil {
		d.t.Fatalf("failover: %v", err)
	}
	u.Host, u.RawQuery = d.address.listener.Addr().String(), "sslmode=disable"
	return u.String()
}

// Open returns pools on the database that the address leads to now, past the address.
func (d *Database) Open() *pgtest.DB { return d.primary.Open() }

// Cut breaks all connections to the address.
func (d *Database) Cut() { d.address.point(d.primary.Socket()) }

// replace makes another server the primary, and leads the address to it. The previous primary is killed.
func (d *Database) replace(next *server) {
	d.t.Helper()
	d.address.point("")
	d.primary.Kill()
	d.primary = next
	d.address.point(next.Socket())
}

// execute executes statements on a server, each in a transaction of its own.
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

// query returns the text of a query with one column and one row, "" for NULL.
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

// start starts a server on a cluster in dir.
func (d *Database) start(dir string, more ...pgtest.Option) *server {
	d.t.Helper()
	archive := pgtest.Dir(d.t)
	d.own(archive)
	return &server{pgtest.Existing(d.t, dir, d.options(archive, more...)...), archive}
}

// write writes a file of a cluster that does not run.
func (d *Database) write(dir, name, text string) {
	d.t.Helper()
	path := filepath.Join(dir, "postgres", name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		d.t.Fatalf("failover: %v", err)
	}
	d.own(path)
}

// await blocks until a query returns true.
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

// own gives a file or folder to the user that the primary runs as.
func (d *Database) own(path string) {
	d.t.Helper()
	owner := d.owner()
	if err := os.Lchown(path, int(owner.Uid), int(owner.Gid)); err != nil {
		d.t.Fatalf("failover: %v", err)
	}
}

// owner returns the owner of the primary's files.
func (d *Database) owner() *syscall.Stat_t {
	d.t.Helper()
	info, err := os.Stat(filepath.Join(d.primary.DataDir(), "postgres"))
	if err != nil {
		d.t.Fatalf("failover: %v", err)
	}
	return info.Sys().(*syscall.Stat_t)
}
