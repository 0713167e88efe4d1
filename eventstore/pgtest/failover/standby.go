package failover

import (
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Standby is a server that receives and replays the write-ahead log of the primary.
type Standby struct {
	d *Database
	s *server
}

// Standby starts a standby with asynchronous replication. It returns when the standby has caught up.
func (d *Database) Standby() *Standby {
	d.t.Helper()
	b := d.Backup()
	d.follow(b.dir)
	standby := &Standby{d, d.start(b.dir)}
	standby.CatchUp()
	return standby
}

// follow makes dir, the data directory of a base backup, the data directory of a standby of the primary.
func (d *Database) follow(dir string) {
	d.t.Helper()
	d.write(dir, "standby.signal", "")
	d.write(dir, "postgresql.auto.conf", "primary_conninfo = 'user=roomlog host="+filepath.Dir(d.primary.Socket())+" port=5432'\n")
}

// DSN returns the connection string of the standby. It stays the same after Start.
func (s *Standby) DSN() string { return s.s.DSN() }

// Kill kills the standby with SIGKILL.
func (s *Standby) Kill() {
	s.d.t.Helper()
	s.s.Kill()
}

// Start starts the standby after Kill. It returns when the standby has caught up.
func (s *Standby) Start() {
	s.d.t.Helper()
	s.s.Start()
	s.CatchUp()
}

// Rejoin makes the former primary, which Promote has killed, a standby of the new one, with a base backup at the place of its files. It
// returns when the standby has caught up.
func (d *Database) Rejoin() *Standby {
	d.t.Helper()
	s := &Standby{d, d.former}
	data := filepath.Join(s.s.DataDir(), "postgres")
	if err := os.RemoveAll(data); err != nil {
		d.t.Fatalf("failover: %v", err)
	}
	d.backUp(data)
	d.follow(s.s.DataDir())
	s.Start()
	return s
}

// HostsDSN returns a connection string with the sockets of the primary and of a standby. Clients
// choose the server that accepts writes, so they notice a promotion themselves. The string stays valid after Promote and Rejoin.
func (d *Database) HostsDSN(s *Standby) string {
	d.t.Helper()
	u, err := url.Parse(d.primary.DSN())
	if err != nil {
		d.t.Fatalf("failover: %v", err)
	}
	query := u.Query()
	query.Set("host", filepath.Dir(d.primary.Socket())+","+filepath.Dir(s.s.Socket()))
	query.Set("port", query.Get("port")+","+query.Get("port"))
	query.Set("target_session_attrs", "read-write")
	u.RawQuery = query.Encode()
	return u.String()
}

// Pause makes the standby receive changes without replaying them, until Resume.
func (s *Standby) Pause() {
	s.d.t.Helper()
	s.d.execute(s.s, "SELECT pg_wal_replay_pause()")
	s.d.await("the standby to pause", s.s, "SELECT (pg_get_wal_replay_pause_state() = 'paused')::text")
}

// Resume undoes Pause.
func (s *Standby) Resume() {
	s.d.t.Helper()
	s.d.execute(s.s, "SELECT pg_wal_replay_resume()")
}

// Detach promotes the standby although the primary continues to run, as an operator may do by mistake. The address still leads to
// the primary.
func (s *Standby) Detach() {
	s.d.t.Helper()
	s.d.execute(s.s, "SELECT pg_promote(true, 60)")
}

// CatchUp blocks until the standby has replayed everything that the primary has written.
func (s *Standby) CatchUp() {
	s.d.t.Helper()
	at := s.d.query(s.d.primary, "SELECT pg_current_wal_lsn()::text")
	s.d.await("the standby to catch up", s.s, "SELECT (pg_last_wal_replay_lsn() >= '"+at+"')::text")
}

// HoldBack stops the replication to the standby, which keeps its current state.
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

// Asynchronous undoes Synchronous, as a cluster manager does when the last standby is lost.
func (s *Standby) Asynchronous() {
	s.d.t.Helper()
	s.d.execute(s.d.primary, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
	s.d.await("the standby to be asynchronous", s.d.primary, "SELECT (NOT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync'))::text")
}

// Freeze stops the process that receives the write-ahead log, and returns a function that lets it go on. The primary
// still considers the standby connected.
func (s *Standby) Freeze() (thaw func()) {
	s.d.t.Helper()
	pid, err := strconv.Atoi(s.d.query(s.s, "SELECT pid::text FROM pg_stat_wal_receiver"))
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGSTOP)
	}
	if err != nil {
		s.d.t.Fatalf("failover: stop the receiver of the standby: %v", err)
	}
	thaw = sync.OnceFunc(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	s.d.t.Cleanup(thaw)
	return thaw
}

// CancelCommit waits until a commit of the primary waits for a standby, and cancels this wait.
func (d *Database) CancelCommit() {
	d.t.Helper()
	d.await("a commit to wait for the standby", d.primary,
		"SELECT coalesce(bool_or(pg_cancel_backend(pid)), false)::text FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
}

// LeadTo points the address to a standby, which remains a standby. The primary continues to run.
func (d *Database) LeadTo(s *Standby) { d.address.point(s.s.Socket()) }

// LeadBack points the address to the primary again.
func (d *Database) LeadBack() { d.address.point(d.primary.Socket()) }

// Promote kills the primary, promotes the standby, and points the address to it. It returns the time that PostgreSQL
// took for the promotion.
func (d *Database) Promote(s *Standby) time.Duration {
	d.t.Helper()
	d.address.point("")
	d.primary.Kill()
	begin := time.Now()
	d.execute(s.s, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_promote(true, 60)")
	took := time.Since(begin)
	d.former, d.primary = d.primary, s.s
	d.address.point(s.s.Socket())
	return took
}
