package failover

import (
	"net/url"
	"os"
	"path/filepath"
	"time"

	"roomlog/eventstore/pgtest"
	"roomlog/internal/wait"
)

const (
	pollInterval = 20 * time.Millisecond
	longest      = 60 // seconds that a standby, a promotion or an archive may take
)

// Standby is a server that receives the write-ahead log of the primary and replays it.
type Standby struct {
	d *Database
	s *server
}

// Standby starts a standby that follows the primary asynchronously, and returns when it has caught up.
func (d *Database) Standby() *Standby {
	d.t.Helper()
	b := d.Backup()
	d.write(b, "standby.signal", "")
	socket, err := url.Parse(d.primary.DSN())
	if err != nil {
		d.t.Fatalf("failover: %v", err)
	}
	d.write(b, "postgresql.auto.conf", "primary_conninfo = 'user=roomlog host="+socket.Query().Get("host")+" port=5432'\n")
	standby := &Standby{d, d.start(b.dir)}
	standby.CatchUp()
	return standby
}

// CatchUp blocks until the standby has replayed everything that the primary has written.
func (s *Standby) CatchUp() {
	s.d.t.Helper()
	at := s.d.query(s.d.primary, "SELECT pg_current_wal_lsn()::text")
	s.d.await("the standby to catch up", s.s, "SELECT (pg_last_wal_replay_lsn() >= '"+at+"')::text")
}

// HoldBack makes the standby receive nothing more: it stays as it is now.
func (s *Standby) HoldBack() {
	s.d.t.Helper()
	s.d.execute(s.s, "ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()")
	s.d.await("the standby to stop receiving", s.s, "SELECT (NOT EXISTS (SELECT FROM pg_stat_wal_receiver))::text")
}

// Synchronous makes every commit of the primary wait until the standby has written it to disk.
func (s *Standby) Synchronous() {
	s.d.t.Helper()
	s.d.execute(s.d.primary, "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
	s.d.await("the standby to be synchronous", s.d.primary, "SELECT (EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync'))::text")
}

// Promote kills the primary, makes the standby the primary, and leads the address to it. It returns the time that PostgreSQL
// took for the promotion.
func (d *Database) Promote(s *Standby) time.Duration {
	d.t.Helper()
	d.address.point("")
	d.primary.Kill()
	begin := time.Now()
	d.execute(s.s, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_promote(true, 60)")
	took := time.Since(begin)
	d.primary = s.s
	d.address.point(s.s.Socket())
	return took
}

// start starts a server on a cluster in dir.
func (d *Database) start(dir string, more ...pgtest.Option) *server {
	d.t.Helper()
	archive := pgtest.Dir(d.t)
	d.own(archive)
	return &server{pgtest.Existing(d.t, dir, d.options(archive, more...)...), archive}
}

// write writes a file of a cluster that does not run.
func (d *Database) write(b *Backup, name, text string) {
	d.t.Helper()
	path := filepath.Join(b.dir, "postgres", name)
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
