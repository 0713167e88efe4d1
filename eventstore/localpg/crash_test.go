package localpg_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"roomlog/eventstore/localpg"
	"roomlog/eventstore/pgtest"
)

// TestKill_loses_no_committed_row kills processes at random moments. After the next start, every acknowledged row must
// be there.
func TestKill_loses_no_committed_row(t *testing.T) {
	t.Parallel()
	dir := used(t)
	var acked []int64
	for _, c := range []struct {
		name string
		kill func(o *owner) error
	}{
		{"of the owner", func(o *owner) error { return o.cmd.Process.Kill() }},
		{"of PostgreSQL", func(o *owner) error { return syscall.Kill(o.postmaster, syscall.SIGKILL) }},
		{"of PostgreSQL, then the owner", func(o *owner) error {
			return errors.Join(syscall.Kill(o.postmaster, syscall.SIGKILL), o.cmd.Process.Kill())
		}},
		{"of the owner, then PostgreSQL", func(o *owner) error {
			err := o.cmd.Process.Kill()
			_ = syscall.Kill(o.postmaster, syscall.SIGKILL) // PostgreSQL may have ended already
			return err
		}},
	} {
		o := startOwner(t, executable(t), dir, nil)
		o.acknowledged(t, 200)
		if err := c.kill(o); err != nil {
			t.Fatal(err)
		}
		_ = o.end(t)
		acked = append(acked, o.acked...)
		t.Run(c.name, func(t *testing.T) { // starts again at once: the old PostgreSQL may still be ending
			server := start(t, localpg.Config{DataDir: dir, Unsafe: true})
			lost := query[int](t, server.DSN(localpg.Database),
				"SELECT count(*) FROM unnest($1::bigint[]) AS acked (n) WHERE NOT EXISTS (SELECT FROM fact WHERE fact.n = acked.n)", acked)
			if lost > 0 {
				t.Errorf("%d of %d acknowledged rows are lost", lost, len(acked))
			}
		})
	}
}

func TestKill_of_the_owner_ends_PostgreSQL(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has a parent-death signal; elsewhere the next start ends what was left")
	}
	t.Parallel()
	o := startOwner(t, executable(t), used(t), nil)
	if err := o.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = o.end(t)
	eventually(t, "PostgreSQL has stopped with its parent", func() bool { return !alive(o.postmaster) })
}

func TestKill_of_PostgreSQL_closes_Done_and_the_next_start_works(t *testing.T) {
	t.Parallel()
	dir := used(t)
	server := start(t, localpg.Config{DataDir: dir, Unsafe: true})
	dsn := server.DSN(localpg.Database)
	execute(t, dsn, "CREATE TABLE fact AS SELECT 42 AS n")

	busy, err := pgx.Connect(t.Context(), dsn) // a backend that would not notice for hours that its main process has ended
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close(t.Context())
	go func() { _, _ = busy.Exec(t.Context(), "SELECT count(*) FROM generate_series(1, 1e12)") }()
	eventually(t, "the query runs", func() bool {
		return query[bool](t, dsn, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%1e12%' AND pid <> pg_backend_pid())")
	})

	if err := syscall.Kill(server.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	gone(t, server.Done())
	if err := server.Stop(); err != nil {
		t.Errorf("stopping one that has gone: %v", err)
	}
	again := start(t, localpg.Config{DataDir: dir, Unsafe: true})
	if n := query[int](t, again.DSN(localpg.Database), "SELECT n FROM fact"); n != 42 {
		t.Error(n)
	}
}

// TestStart_ignores_stale_lock_files checks that the lock files of a dead server do not prevent a start, and that no
// other process is killed because of them.
func TestStart_ignores_stale_lock_files(t *testing.T) {
	t.Parallel()
	dir := used(t)
	if err := start(t, localpg.Config{DataDir: dir, Unsafe: true}).Stop(); err != nil {
		t.Fatal(err)
	}
	zombie := exec.Command("true")
	if err := zombie.Start(); err != nil {
		t.Fatal(err)
	}
	defer zombie.Wait()
	eventually(t, "the process is a zombie", func() bool { return !alive(zombie.Process.Pid) })
	other := exec.Command("sleep", "600")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = other.Process.Kill()
		_ = other.Wait()
	}()

	pidFile := filepath.Join(dir, "postgres", "postmaster.pid")
	socketLock := filepath.Join(dir, "run", ".s.PGSQL.5432.lock")
	for name, first := range map[string]string{
		"a zombie":        strconv.Itoa(zombie.Process.Pid),
		"another process": strconv.Itoa(other.Process.Pid),
		"nobody":          "4194303",
		"half a line":     "",
		"nonsense":        "x",
		"init":            "1",
		"a single user":   "-" + strconv.Itoa(other.Process.Pid),
	} {
		t.Run("of "+name, func(t *testing.T) {
			text := first + "\n" + filepath.Join(dir, "postgres") + "\n1\n5432\n" + filepath.Join(dir, "run") + "\n\n\nready\n"
			for _, path := range []string{pidFile, socketLock} {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				ownedLike(t, path, filepath.Join(dir, "postgres"))
			}
			if err := start(t, localpg.Config{DataDir: dir, Unsafe: true}).Stop(); err != nil {
				t.Error(err)
			}
			if !alive(other.Process.Pid) {
				t.Fatal("another process was killed")
			}
		})
	}
}

// TestStart_stops_an_orphan starts while a server runs that has outlived the process that started it, as on systems
// without a parent-death signal.
func TestStart_stops_an_orphan(t *testing.T) {
	t.Parallel()
	dir := used(t)
	data := filepath.Join(dir, "postgres")
	server := start(t, localpg.Config{DataDir: dir, Unsafe: true})
	line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(server.PID()), "cmdline"))
	if err != nil {
		t.Skip("this system has no /proc")
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	args := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
	orphan := exec.Command(args[0], args[1:]...)
	orphan.Dir = data
	orphan.SysProcAttr = ownerOf(t, data)
	if err := orphan.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = orphan.Wait()
		close(ended)
	}()
	eventually(t, "the orphaned PostgreSQL accepts connections", func() bool {
		_, err := localpg.Attach(dir)
		return err == nil
	})

	again := start(t, localpg.Config{DataDir: dir, Unsafe: true})
	gone(t, ended)
	if again.PID() == orphan.Process.Pid || query[int](t, again.DSN("postgres"), "SELECT 1") != 1 {
		t.Error("the new server cannot be queried")
	}
}

// TestSplitPS checks how a command line is split on systems without /proc, where ps prints it as one line.
func TestSplitPS(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		"/usr/bin/postgres -D /a b/postgres -c fsync=on -c port=5432\n": {"/usr/bin/postgres", "-D", "/a b/postgres"},
		"/opt/p g/postgres -D /data\n":                                  {"/opt/p g/postgres", "-D", "/data"},
		"sleep 600\n":                                                   nil,
		"":                                                              nil,
	} {
		if got := localpg.SplitPS(line); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %v", line, got, want)
		}
	}
}

func TestAttach(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	notRunning := func(t *testing.T) {
		t.Helper()
		if dsn, err := localpg.Attach(dir); !errors.Is(err, localpg.ErrNotRunning) {
			t.Errorf("got %q %v", dsn, err)
		}
	}
	t.Run("fails where no server ever ran", func(t *testing.T) {
		notRunning(t)
		if _, err := localpg.Attach(filepath.Join(dir, "missing")); !errors.Is(err, localpg.ErrNotRunning) {
			t.Error(err)
		}
	})
	o := startOwner(t, executable(t), dir, nil)
	o.acknowledged(t, 1)
	t.Run("finds the server of another process", func(t *testing.T) {
		dsn, err := localpg.Attach(dir)
		if err != nil {
			t.Fatal(err)
		}
		if n := query[int](t, dsn, "SELECT count(*) FROM fact WHERE n = 1"); n != 1 {
			t.Error(n)
		}
	})
	t.Run("fails while the server is not ready", func(t *testing.T) {
		pidFile := filepath.Join(dir, "postgres", "postmaster.pid")
		ready, err := os.ReadFile(pidFile)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := os.WriteFile(pidFile, ready, 0o600); err != nil {
				t.Fatal(err)
			}
		}()
		if err := os.WriteFile(pidFile, bytes.Replace(ready, []byte("ready"), []byte("starting"), 1), 0o600); err != nil {
			t.Fatal(err)
		}
		notRunning(t)
		if _, err := localpg.Attach(dir); !strings.Contains(err.Error(), "it is starting") {
			t.Error(err)
		}
	})
	t.Run("fails after a kill of PostgreSQL", func(t *testing.T) {
		if err := syscall.Kill(o.postmaster, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it has left", func() bool { return !alive(o.postmaster) })
		if _, err := os.Stat(filepath.Join(dir, "postgres", "postmaster.pid")); err != nil {
			t.Fatalf("the test did not arrange its case: %v", err)
		}
		notRunning(t)
	})
}

func TestStop_of_the_owner_by_an_interrupt(t *testing.T) {
	t.Parallel()
	o := startOwner(t, executable(t), used(t), nil)
	o.acknowledged(t, 10)
	if err := o.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := o.end(t); err != nil {
		t.Errorf("the owner ended with %v", err)
	}
	if alive(o.postmaster) {
		t.Error("PostgreSQL is still running")
	}
}

// ownerOf returns the attributes for running a program as the owner of a path.
func ownerOf(t *testing.T, path string) *syscall.SysProcAttr {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Getuid() != 0 {
		return nil
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: st.Uid, Gid: st.Gid}}
}

func ownedLike(t *testing.T, path, like string) {
	t.Helper()
	if as := ownerOf(t, like); as != nil {
		if err := os.Chown(path, int(as.Credential.Uid), int(as.Credential.Gid)); err != nil {
			t.Fatal(err)
		}
	}
}
