package migrations_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/errgroup"

	"roomlog/eventstore/pgtest"
	"roomlog/internal/pgsession"
	"roomlog/migrations"
)

const timeout = 3 * time.Minute

func TestApply(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Blank(t)
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	first := apply(t, dsn, logger)
	files, err := fs.Glob(os.DirFS("."), "0*.sql")
	if err != nil {
		t.Fatal(err)
	}
	if newest := files[len(files)-1]; !strings.HasPrefix(newest, fmt.Sprintf("%05d_", first.Version)) || !first.ServingRole {
		t.Errorf("%+v with %d files", first, len(files))
	}
	if n := strings.Count(log.String(), `msg="migration applied"`); n != len(files) {
		t.Errorf("%d of %d migrations were logged:\n%s", n, len(files), log.String())
	}
	t.Run("does nothing the second time", func(t *testing.T) {
		log.Reset()
		if second := apply(t, dsn, logger); second != first || log.Len() > 0 {
			t.Errorf("%+v\n%s", second, log.String())
		}
	})
	t.Run("grants nothing that the role has, because a rebuild may rename the schema at the same time", func(t *testing.T) {
		conn := connect(t, dsn)
		const versions = `SELECT string_agg(v, ' ') FROM (SELECT xmin::text FROM pg_namespace WHERE nspname IN ('read', 'public')
			UNION ALL SELECT xmin::text FROM pg_class WHERE relkind = 'r' AND relnamespace IN ('read'::regnamespace, 'public'::regnamespace)) t (v)`
		before := get[string](t, conn, versions)
		apply(t, dsn, logger)
		if after := get[string](t, conn, versions); after != before {
			t.Error("rows of the catalogue were updated")
		}
		must(t, conn, "REVOKE INSERT ON events FROM "+migrations.Role+"; REVOKE DELETE ON read.gift FROM "+migrations.Role+"; REVOKE USAGE ON SCHEMA read FROM "+migrations.Role)
		apply(t, dsn, logger)
		if !get[bool](t, conn, fmt.Sprintf("SELECT has_table_privilege('%[1]s', 'events', 'INSERT') AND has_schema_privilege('%[1]s', 'read', 'USAGE') AND has_table_privilege('%[1]s', 'read.gift', 'DELETE')", migrations.Role)) {
			t.Error("a missing privilege was not granted")
		}
	})
	t.Run("permits the serving role to append events and not to change them", func(t *testing.T) {
		conn := connect(t, dsn)
		must(t, conn, "SET ROLE "+migrations.Role)
		must(t, conn, `INSERT INTO events (position, stream, version, event_id, type, payload, metadata, recorded_at)
			VALUES (1, 'a', 1, gen_random_uuid(), 'x', '{}', '{}', now())`)
		for _, sql := range []string{"UPDATE events SET type = 'y'", "DELETE FROM events", "TRUNCATE events", "DROP TABLE events", "CREATE TABLE x ()"} {
			if _, err := conn.Exec(t.Context(), sql); code(err) != "42501" {
				t.Errorf("%s: %v", sql, err)
			}
		}
	})
	t.Run("closes its connections", func(t *testing.T) {
		conn := connect(t, dsn)
		eventually(t, func() bool {
			return get[int](t, conn, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()") == 0
		})
	})
	t.Run("refuses a newer database", func(t *testing.T) {
		must(t, connect(t, dsn), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)")
		if _, err := migrations.Apply(t.Context(), dsn, migrations.Config{Log: logger}); !errors.Is(err, migrations.ErrNewer) {
			t.Error(err)
		}
	})
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	dsn, silent := pgtest.Blank(t), slog.New(slog.DiscardHandler)
	if _, err := migrations.Upgrade(t.Context(), dsn, migrations.Config{}); !errors.Is(err, migrations.ErrEmpty) {
		t.Errorf("an empty database: %v", err)
	}
	if err := migrations.Check(t.Context(), dsn); !errors.Is(err, migrations.ErrEmpty) {
		t.Errorf("an empty database: %v", err)
	}
	conn := connect(t, dsn)
	if n := get[int](t, conn, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"); n > 0 {
		t.Errorf("%d tables were created", n)
	}
	first := apply(t, dsn, silent)
	if again, err := migrations.Upgrade(t.Context(), dsn, migrations.Config{}); err != nil || again != first {
		t.Error(again, err)
	}
	if err := migrations.Check(t.Context(), dsn); err != nil {
		t.Error(err)
	}
	must(t, conn, "UPDATE goose_db_version SET version_id = version_id + 90000 WHERE version_id = (SELECT max(version_id) FROM goose_db_version)")
	if err := migrations.Check(t.Context(), dsn); !errors.Is(err, migrations.ErrNewer) {
		t.Error(err)
	}
	must(t, conn, "DELETE FROM goose_db_version WHERE version_id > 90000")
	if err := migrations.Check(t.Context(), dsn); !errors.Is(err, migrations.ErrOlder) {
		t.Error(err)
	}
}

func TestApply_runs_concurrently_on_one_database(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Blank(t)
	var g errgroup.Group
	for range 8 {
		g.Go(func() error {
			r, err := migrations.Apply(t.Context(), dsn, migrations.Config{})
			if err == nil && !r.ServingRole {
				err = errors.New("without the serving role")
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := get[int](t, connect(t, dsn), "SELECT count(*) FROM (SELECT FROM goose_db_version GROUP BY version_id HAVING count(*) > 1) AS twice"); n > 0 {
		t.Errorf("%d migrations ran twice", n)
	}
}

// TestApply_runs_concurrently_with_a_concurrent_index runs a migration with CREATE INDEX CONCURRENTLY. That statement
// waits for all database snapshots, including those of statements that wait for a lock.
func TestApply_runs_concurrently_with_a_concurrent_index(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Blank(t)
	files := fstest.MapFS{
		"00001_table.sql": file("CREATE TABLE a (n int);\nINSERT INTO a SELECT generate_series(1, 50000);"),
		"00002_index.sql": {Data: []byte("-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY ON a (n);\n")},
	}
	var g errgroup.Group
	for range 6 {
		g.Go(func() error {
			_, err := migrations.ApplyFiles(t.Context(), dsn, files, "")
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestApply_waits_for_another_migration(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Blank(t)
	other := connect(t, dsn)
	must(t, other, "SELECT pg_advisory_lock($1)", int64(migrations.LockKey))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := migrations.Apply(ctx, dsn, migrations.Config{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it did not wait: %v", err)
	}
	if get[bool](t, other, "SELECT to_regclass('events') IS NOT NULL") {
		t.Error("it migrated without the lock")
	}
	must(t, other, "SELECT pg_advisory_unlock($1)", int64(migrations.LockKey))
	apply(t, dsn, slog.New(slog.DiscardHandler))
}

func TestApply_names_the_session_that_holds_the_lock(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Blank(t)
	other := connect(t, dsn+"&application_name=backup")
	must(t, other, "SELECT pg_advisory_lock($1)", int64(migrations.LockKey))
	var log bytes.Buffer
	_, err := migrations.Apply(t.Context(), dsn, migrations.Config{
		Settings: migrations.Settings{LockTimeout: time.Second}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	held := (*pgsession.LockHeldError)(nil)
	if !errors.As(err, &held) || held.PID != int(other.PgConn().PID()) || held.Application != "backup" || held.Since.IsZero() {
		t.Errorf("got %v", err)
	}
	if want := fmt.Sprintf("level=WARN msg=\"waiting for another session that migrates the database or holds its lock\" pid=%d application=backup since=", other.PgConn().PID()); !strings.Contains(log.String(), want) {
		t.Errorf("the log does not contain %s:\n%s", want, log.String())
	}
}

func TestApply_stops_at_a_failing_file_and_continues_later(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Blank(t)
	files := fstest.MapFS{
		"00001_good.sql":   file("CREATE TABLE good ();"),
		"00002_broken.sql": file("CREATE TABLE half (); CREATE TABLE good ();"),
		"00003_late.sql":   file("CREATE TABLE late ();"),
	}
	_, err := migrations.ApplyFiles(t.Context(), dsn, files, "GRANT SELECT ON good TO "+migrations.Role)
	if err == nil || !strings.Contains(err.Error(), "00002_broken.sql") {
		t.Errorf("the file is not named: %v", err)
	}
	conn := connect(t, dsn)
	tables := "SELECT coalesce(string_agg(relname, ' ' ORDER BY relname), '') FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT LIKE 'goose%'"
	if got := get[string](t, conn, tables); got != "good" {
		t.Errorf(`there are %s, want "good"`, got)
	}
	files["00002_broken.sql"] = file("CREATE TABLE half ();")
	r, err := migrations.ApplyFiles(t.Context(), dsn, files, "GRANT SELECT ON good TO "+migrations.Role)
	if err != nil || r.Version != 3 {
		t.Fatal(r, err)
	}
	if got := get[string](t, conn, tables); got != "good half late" {
		t.Errorf(`there are %s, want "good half late"`, got)
	}
	if !get[bool](t, conn, "SELECT has_table_privilege('"+migrations.Role+"', 'good', 'SELECT')") {
		t.Error("the grants were not executed")
	}
}

func TestApply_returns_the_error_of_the_connection(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{"postgres://roomlog@/x?host=/nowhere", "not a dsn"} {
		if _, err := migrations.Apply(t.Context(), dsn, migrations.Config{}); err == nil || !strings.HasPrefix(err.Error(), "migrate: ") {
			t.Error(err)
		}
	}
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	if a, b := migrations.Fingerprint(), migrations.Fingerprint(); a != b || len(a) != 64 {
		t.Error(a, b)
	}
	seen := map[string]bool{}
	for _, files := range []fstest.MapFS{
		{"a.sql": file("x")}, {"b.sql": file("x")}, {"a.sql": file("y")}, {"a.sql": file("x"), "b.sql": file("")},
	} {
		if f := migrations.FingerprintOf(files); seen[f] {
			t.Errorf("%v has the fingerprint of another", files)
		} else {
			seen[f] = true
		}
	}
}

func file(up string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("-- +goose Up\n" + up + "\n")}
}

func apply(t *testing.T, dsn string, log *slog.Logger) migrations.Result {
	t.Helper()
	r, err := migrations.Apply(t.Context(), dsn, migrations.Config{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func must(t *testing.T, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func get[T any](t *testing.T, conn *pgx.Conn, sql string) T {
	t.Helper()
	var v T
	if err := conn.QueryRow(t.Context(), sql).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatal("the condition is never true")
		case <-tick.C:
		}
	}
}

// TestNumbersOfMigrations checks that no migration gets a number before that of an older one: databases that have the older one would
// refuse it, because its turn is over. Numbers were left out when a migration was given up.
func TestNumbersOfMigrations(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("[0-9]*.sql")
	if err != nil {
		t.Fatal(err)
	}
	leftOut := []int{18, 22, 25, 30}
	want := 0
	for _, file := range files {
		number, err := strconv.Atoi(file[:5])
		if err != nil {
			t.Fatal(err)
		}
		for want++; slices.Contains(leftOut, want); want++ {
		}
		if number != want {
			t.Fatalf("%s: the next migration must have the number %05d; a number that was left out is never used", file, want)
		}
	}
}
