package failover

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"roomlog/eventstore/pgtest"
)

// Backup is a base backup: the files of the primary, and the write-ahead log that makes them consistent.
type Backup struct {
	dir     string
	archive string // folder into which the server archives its write-ahead log after the backup
}

// Point is a moment in the operation of a primary, to which a restore can return.
type Point struct{ name string }

// Dump contains the content of the database as SQL statements.
type Dump struct{ path string }

// Backup makes a base backup of the primary.
func (d *Database) Backup() *Backup {
	d.t.Helper()
	dir := pgtest.Dir(d.t)
	d.backUp(filepath.Join(dir, "postgres"))
	return &Backup{dir, d.primary.archive}
}

// backUp writes a base backup of the primary into a new folder.
func (d *Database) backUp(data string) {
	d.t.Helper()
	if err := os.Mkdir(data, 0o700); err != nil {
		d.t.Fatalf("failover: %v", err)
	}
	d.own(data)
	d.tool("pg_basebackup", "-d", d.primary.DSN(), "-D", data, "-X", "stream", "-c", "fast", "--no-sync")
}

// Restore replaces the primary with a server that runs on a copy of a base backup.
func (d *Database) Restore(b *Backup) {
	d.t.Helper()
	d.replace(d.start(d.copy(b)))
}

// Point marks the current moment. It returns when the primary has archived its write-ahead log up to this moment.
func (d *Database) Point(name string) Point {
	d.t.Helper()
	d.execute(d.primary, "SELECT pg_create_restore_point('"+name+"')")
	segment := d.query(d.primary, "SELECT pg_walfile_name(pg_switch_wal())")
	d.await("the archive", d.primary, "SELECT (last_archived_wal >= '"+segment+"')::text FROM pg_stat_archiver")
	return Point{name}
}

// RestoreTo replaces the primary with a server that runs on a copy of a base backup and has replayed the archive up to
// a point.
func (d *Database) RestoreTo(b *Backup, p Point) {
	d.t.Helper()
	dir := d.copy(b)
	d.write(dir, "recovery.signal", "")
	d.replace(d.start(dir,
		pgtest.Setting("restore_command", "cp "+b.archive+"/%f %p"),
		pgtest.Setting("recovery_target_timeline", "current"),
		pgtest.Setting("recovery_target_name", p.name),
		pgtest.Setting("recovery_target_action", "promote")))
	d.await("the recovery", d.primary, "SELECT (NOT pg_is_in_recovery())::text")
}

// Dump dumps the database of the primary.
func (d *Database) Dump() Dump {
	d.t.Helper()
	dir := pgtest.Dir(d.t)
	d.own(dir)
	path := filepath.Join(dir, "dump.sql")
	d.tool("pg_dump", "-d", d.primary.DSN(), "-f", path)
	return Dump{path}
}

// RestoreDump drops the database of the primary, creates it again and restores a dump.
func (d *Database) RestoreDump(dump Dump) {
	d.t.Helper()
	d.Recreate(func(dsn string) {
		d.tool("psql", "-X", "-q", "-o", os.DevNull, "-v", "ON_ERROR_STOP=1", "-d", dsn, "-f", dump.path)
	})
}

// Recreate drops the database of the primary, creates it again, and calls restore with its connection string. During
// this time no other session can connect to the database.
func (d *Database) Recreate(restore func(dsn string)) {
	d.t.Helper()
	d.address.point("")
	maintenance := strings.Replace(d.primary.DSN(), "/roomlog?", "/postgres?", 1)
	d.tool("psql", "-X", "-q", "-d", maintenance, "-c", "DROP DATABASE roomlog WITH (FORCE)", "-c", "CREATE DATABASE roomlog")
	restore(d.primary.DSN())
	d.address.point(d.primary.Socket())
}

// copy copies the files of a backup, so that the backup can be restored more than once.
func (d *Database) copy(b *Backup) (dir string) {
	d.t.Helper()
	dir = pgtest.Dir(d.t)
	if out, err := exec.CommandContext(d.t.Context(), "cp", "-Rp", filepath.Join(b.dir, "postgres"), dir).CombinedOutput(); err != nil {
		d.t.Fatalf("failover: copy a base backup: %v\n%s", err, out)
	}
	return dir
}

// tool runs a program of PostgreSQL as the user that the primary runs as.
func (d *Database) tool(name string, args ...string) {
	d.t.Helper()
	bin := d.query(d.primary, "SELECT setting FROM pg_config WHERE name = 'BINDIR'")
	path := filepath.Join(bin, name)
	if _, err := os.Stat(path); err != nil {
		d.t.Fatalf("failover: the program %s is missing in %s: install the client programs of PostgreSQL of the same version (make deps, or apt-get install postgresql)", name, bin)
	}
	cmd := exec.CommandContext(d.t.Context(), path, args...)
	cmd.Dir = "/"
	if owner := d.owner(); int(owner.Uid) != os.Getuid() {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		d.t.Fatalf("failover: %s: %v\n%s", name, err, out)
	}
}
