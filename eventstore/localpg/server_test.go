package localpg_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/eventstore/localpg"
	"roomlog/eventstore/pgtest"
)

func TestStart(t *testing.T) {
	t.Parallel()
	server := start(t, localpg.Config{DataDir: pgtest.Dir(t), Settings: map[string]string{"work_mem": "5MB"}})
	dsn := server.DSN(localpg.Database)

	t.Run("creates a user and an empty database", func(t *testing.T) {
		if got := query[string](t, dsn, "SELECT current_user || ' ' || current_database()"); got != "roomlog roomlog" {
			t.Error(got)
		}
		if n := query[int](t, dsn, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"); n != 0 {
			t.Errorf("%d relations, want 0", n)
		}
	})
	t.Run("listens on a socket that no other user can reach", func(t *testing.T) {
		if got := query[string](t, dsn, "SHOW listen_addresses"); got != "" {
			t.Errorf(`it listens on %q, want ""`, got)
		}
		info, err := os.Stat(server.SocketDir())
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("got %v %v", info.Mode(), err)
		}
	})
	t.Run("verifies the user of a connection", func(t *testing.T) {
		if got := query[string](t, dsn, "SELECT string_agg(type || ' ' || auth_method, ',') FROM pg_hba_file_rules"); got != "local peer" {
			t.Errorf(`access is by %q, want "local peer"`, got)
		}
		conn, err := pgx.Connect(t.Context(), strings.Replace(dsn, "roomlog@", "pg_monitor@", 1))
		if err == nil {
			_ = conn.Close(t.Context())
			t.Error("another database user could connect")
		}
	})
	t.Run("is durable, and quiet when idle", func(t *testing.T) {
		for name, want := range map[string]string{
			"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "data_checksums": "on",
			"wal_level": "minimal", "max_wal_senders": "0", "autovacuum": "on", "max_connections": "200",
			"server_encoding": "UTF8", "TimeZone": "UTC",
		} {
			if got := query[string](t, dsn, "SELECT current_setting($1)", name); got != want {
				t.Errorf("%s = %s, want %s", name, got, want)
			}
		}
	})
	t.Run("sorts texts in the same order on every system", func(t *testing.T) {
		if got := query[string](t, dsn, "SELECT datcollate || datctype FROM pg_database WHERE datname = current_database()"); got != "CC" {
			t.Error(got)
		}
	})
	t.Run("applies settings", func(t *testing.T) {
		if got := query[string](t, dsn, "SHOW work_mem"); got != "5MB" {
			t.Error(got)
		}
	})
	t.Run("has a process group of its own, so that Ctrl-C does not reach it", func(t *testing.T) {
		if group, err := syscall.Getpgid(server.PID()); err != nil || group != server.PID() {
			t.Error(group, err)
		}
	})
	t.Run("does not run as root", func(t *testing.T) {
		info, err := os.Stat(filepath.Join("/proc", strconv.Itoa(server.PID())))
		if err != nil {
			t.Skip("this system has no /proc")
		}
		if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid == 0 {
			t.Error("it does")
		}
	})
}

// TestStart_idles_without_writing checks that an idle server writes nothing to the disk.
func TestStart_idles_without_writing(t *testing.T) {
	t.Parallel()
	server := start(t, localpg.Config{DataDir: used(t)})
	dsn := server.DSN(localpg.Database)
	execute(t, dsn, "CHECKPOINT")
	const state = "SELECT ARRAY[pg_current_wal_insert_lsn() - '0/0', pg_snapshot_xmax(pg_current_snapshot())::text::numeric]::bigint[]"
	before := query[[]int64](t, dsn, state)
	<-time.After(idleTime) // time passes: the server has nothing to do meanwhile
	after := query[[]int64](t, dsn, state)
	if bytes, ids := after[0]-before[0], after[1]-before[1]; bytes > 1000 || ids > 0 {
		t.Errorf("in %s without work: %d bytes of WAL, %d transaction ids", idleTime, bytes, ids)
	}
}

func TestStart_refuses_a_folder_in_use(t *testing.T) {
	t.Parallel()
	dir := used(t)
	server := start(t, localpg.Config{DataDir: dir, Unsafe: true})
	link := filepath.Join(pgtest.Dir(t), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{dir, dir + "/.", link} {
		if _, err := localpg.Start(t.Context(), localpg.Config{DataDir: name, Unsafe: true}); !errors.Is(err, localpg.ErrInUse) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if query[int](t, server.DSN("postgres"), "SELECT 1") != 1 {
		t.Error("the first server cannot be queried")
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	start(t, localpg.Config{DataDir: link, Unsafe: true})
}

func TestStop(t *testing.T) {
	t.Parallel()
	dir := used(t)
	server := start(t, localpg.Config{DataDir: dir, Unsafe: true})
	conn, err := pgx.Connect(t.Context(), server.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for range 2 { // the second repetition finds nothing to do
		if err := server.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	gone(t, server.Done())
	if alive(server.PID()) {
		t.Error("the process is still running")
	}
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("an open connection was not cut")
	}
}

// TestStart_after_a_cancelled_start cancels a start at random moments. The next start must succeed without help.
func TestStart_after_a_cancelled_start(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	for _, left := range []string{"postgres.new-1", "postgresql.new-1"} { // folders that kill -9 leaves behind
		if err := os.MkdirAll(filepath.Join(dir, left, "data"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	for wait := 10 * time.Millisecond; wait < timeout; wait *= 3 {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		var server *localpg.Server
		server, err = localpg.Start(ctx, localpg.Config{DataDir: dir, Unsafe: true})
		cancel()
		if err == nil {
			if n := query[int](t, server.DSN(localpg.Database), "SELECT 1"); n != 1 {
				t.Error(n)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "*.new-*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			if err := server.Stop(); err != nil {
				t.Error(err)
			}
			return
		}
	}
	t.Fatalf("it never started: %v", err)
}

// TestStart_outlives_its_context checks that the context of Start bounds only the start.
func TestStart_outlives_its_context(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server, err := localpg.Start(ctx, localpg.Config{DataDir: used(t), Unsafe: true})
	cancel()
	if err != nil {
		t.Fatal(err)
	}
	if query[int](t, server.DSN(localpg.Database), "SELECT 1") != 1 {
		t.Error("the server cannot be queried")
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
}

// TestStart_for_a_user_without_a_name checks the access files for a user without a name. The method "peer" needs a
// name; without one, only the mode of the folder protects the socket.
func TestStart_for_a_user_without_a_name(t *testing.T) {
	t.Parallel()
	dir, files := used(t), pgtest.Dir(t)
	if err := localpg.Access(files); err != nil {
		t.Fatal(err)
	}
	server := start(t, localpg.Config{DataDir: dir, Unsafe: true, Settings: map[string]string{
		"hba_file": filepath.Join(files, "pg_hba.conf"), "ident_file": filepath.Join(files, "pg_ident.conf"),
	}})
	dsn := server.DSN(localpg.Database)
	if got := query[string](t, dsn, "SELECT string_agg(type || ' ' || auth_method, ',') FROM pg_hba_file_rules"); got != "local trust" {
		t.Errorf(`access is by %q, want "local trust"`, got)
	}
	if info, err := os.Stat(server.SocketDir()); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got %v %v", info.Mode(), err)
	}
}

func TestStart_when_another_version_made_the_data(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, version string
		is            error
		says          []string
	}{
		{"older", "9\n", localpg.ErrVersionMismatch, []string{"made by PostgreSQL 9", "nothing was changed", "DATABASE_URL"}},
		{"newer", "99\n", localpg.ErrVersionMismatch, []string{"made by PostgreSQL 99", "nothing was changed", "DATABASE_URL"}},
		{"unreadable", "x", nil, []string{"not a version"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := pgtest.Dir(t)
			data := filepath.Join(dir, "postgres")
			if err := os.Mkdir(data, 0o700); err != nil {
				t.Fatal(err)
			}
			for file, text := range map[string]string{"PG_VERSION": c.version, "precious": "coins"} {
				if err := os.WriteFile(filepath.Join(data, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := localpg.Start(t.Context(), localpg.Config{DataDir: dir})
			if err == nil || c.is != nil && !errors.Is(err, c.is) {
				t.Fatal(err)
			}
			for _, say := range c.says {
				if !strings.Contains(err.Error(), say) {
					t.Errorf("%q is not in: %v", say, err)
				}
			}
			if b, err := os.ReadFile(filepath.Join(data, "precious")); string(b) != "coins" {
				t.Errorf("the data was changed: %v", err)
			}
		})
	}
	t.Run("not a data directory", func(t *testing.T) {
		dir := pgtest.Dir(t)
		if err := os.MkdirAll(filepath.Join(dir, "postgres", "precious"), 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := localpg.Start(t.Context(), localpg.Config{DataDir: dir}); err == nil || !strings.Contains(err.Error(), "not a PostgreSQL data directory") {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "postgres", "precious")); err != nil {
			t.Error(err)
		}
	})
}

// TestStart_ignores_the_environment_of_PostgreSQL checks that variables that are meant for other PostgreSQL programs
// have no effect.
func TestStart_ignores_the_environment_of_PostgreSQL(t *testing.T) {
	for name, value := range map[string]string{
		"PGDATA": "/nowhere", "PGPORT": "1", "PGHOST": "elsewhere.example", "PGUSER": "nobody", "PGDATESTYLE": "SQL",
		"LC_ALL": "xx_XX.UTF-8", "LANG": "xx_XX", "LC_MESSAGES": "xx",
	} {
		t.Setenv(name, value)
	}
	server := start(t, localpg.Config{DataDir: pgtest.Dir(t), Unsafe: true})
	if style := query[string](t, server.DSN(localpg.Database), "SHOW datestyle"); style != "ISO, MDY" {
		t.Errorf(`the server applies PGDATESTYLE: %s, want "ISO, MDY"`, style)
	}
}

func TestStart_begins_a_new_log_when_the_old_one_is_long(t *testing.T) {
	t.Parallel()
	dir := used(t)
	path := filepath.Join(dir, "postgres.log")
	if err := os.WriteFile(path, bytes.Repeat([]byte{'x'}, 10<<20+1), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, localpg.Config{DataDir: dir, Unsafe: true})
	if info, err := os.Stat(path); err != nil || info.Size() > 1<<20 || info.Size() == 0 {
		t.Errorf("the new log: %v %v", info, err)
	}
	if info, err := os.Stat(path + ".old"); err != nil || info.Size() != 10<<20+1 {
		t.Errorf("the old log: %v %v", info, err)
	}
}

func TestStart_returns_the_log_of_PostgreSQL_in_its_error(t *testing.T) {
	t.Parallel()
	_, err := localpg.Start(t.Context(), localpg.Config{DataDir: used(t), Unsafe: true, Settings: map[string]string{"shared_buffers": "much"}})
	if err == nil || !strings.Contains(err.Error(), "shared_buffers") {
		t.Fatal(err)
	}
}
