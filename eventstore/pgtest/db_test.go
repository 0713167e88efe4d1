package pgtest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/eventstore/pgtest"
)

const timeout = 2 * time.Minute

func TestNew(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	t.Run("has all migrations", func(t *testing.T) {
		if n := query[int](t, db.Pool, "SELECT count(*) FROM events"); n != 0 {
			t.Errorf("%d events, want 0", n)
		}
		if n := query[int](t, db.Owner, "SELECT count(*) FROM goose_db_version WHERE version_id > 0"); n == 0 {
			t.Error("no migration")
		}
	})
	t.Run("connects with the serving role, which cannot change events", func(t *testing.T) {
		if got := query[string](t, db.Pool, "SELECT current_user"); got != "roomlog_serving" || !db.Serving {
			t.Error(got)
		}
		if _, err := db.Pool.Exec(t.Context(), "UPDATE events SET type = 'x'"); !isCode(err, "42501") {
			t.Error(err)
		}
	})
	t.Run("has an owner with all rights", func(t *testing.T) {
		if _, err := db.Owner.Exec(t.Context(), "CREATE TABLE mine (n int)"); err != nil {
			t.Error(err)
		}
	})
	t.Run("can be reached by other processes", func(t *testing.T) {
		conn, err := pgx.Connect(t.Context(), db.DSN)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.WithoutCancel(t.Context()))
		if conn.Config().Database != query[string](t, db.Pool, "SELECT current_database()") {
			t.Error(db.DSN)
		}
	})
}

func TestNew_returns_a_separate_database_for_each_test(t *testing.T) {
	t.Parallel()
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			if _, err := db.Owner.Exec(t.Context(), "CREATE TABLE mine (n int)"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNew_drops_the_database_when_the_test_ends(t *testing.T) {
	t.Parallel()
	watch := pgtest.New(t)
	var name string
	t.Run("inner", func(t *testing.T) {
		db := pgtest.New(t)
		name = query[string](t, db.Pool, "SELECT current_database()")
		if !there(t, watch.Pool, name) {
			t.Error("the test looks at the wrong database")
		}
	})
	eventually(t, "the database is unreachable", func() bool { return !there(t, watch.Pool, name) })
}

func TestBlank(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), pgtest.Blank(t))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if n := query[int](t, pool, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"); n != 0 {
		t.Errorf("%d relations, want 0", n)
	}
}

// recorder is a testing.TB that records its failures.
type recorder struct {
	testing.TB
	cleanups []func()
	errors   []string
}

func (r *recorder) Cleanup(f func())          { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(f string, a ...any) { r.errors = append(r.errors, fmt.Sprintf(f, a...)) }
func (r *recorder) end() {
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		r.cleanups[i]()
	}
}

// TestNew_fails_a_test_that_does_not_release_a_connection checks that a test that keeps a connection fails with an
// explanation instead of hanging.
func TestNew_fails_a_test_that_does_not_release_a_connection(t *testing.T) {
	t.Parallel()
	inner := &recorder{TB: t}
	db := pgtest.New(inner)
	db.SetCloseWait(100 * time.Millisecond) // the connection is never released, however long it waits
	conn, err := db.Pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	inner.end()
	if !strings.Contains(strings.Join(inner.errors, "\n"), "1 connections of the pool were not released") {
		t.Errorf("got %q", inner.errors)
	}
}

func TestDir_can_be_entered_by_PostgreSQL(t *testing.T) {
	t.Parallel()
	info, err := os.Stat(pgtest.Dir(t))
	if err != nil || info.Mode().Perm() != 0o711 {
		t.Errorf("got %v %v", info.Mode(), err)
	}
}

// BenchmarkNew creates one database after another.
func BenchmarkNew(b *testing.B) {
	one := func(b *testing.B) {
		inner := &recorder{TB: b}
		if err := pgtest.New(inner).Pool.Ping(b.Context()); err != nil {
			b.Error(err)
		}
		inner.end()
	}
	one(b)
	b.Run("serial", func(b *testing.B) {
		for b.Loop() {
			one(b)
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.SetParallelism(4)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				one(b)
			}
		})
	})
}

func query[T any](t *testing.T, pool *pgxpool.Pool, sql string, args ...any) T {
	t.Helper()
	rows, err := pool.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func there(t *testing.T, pool *pgxpool.Pool, name string) bool {
	t.Helper()
	return query[bool](t, pool, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name)
}

func isCode(err error, code string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == code
}

// eventually waits until ok returns true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("not within %s: %s", timeout, what)
		case <-tick.C:
		}
	}
}

// TestSpareConnectionsAreClosed checks that no connection of the administrator stays open when no test needs it: pgx may have left a
// goroutine that reads from it, which a leak test would find.
func TestSpareConnectionsAreClosed(t *testing.T) {
	pgtest.New(t)
	for deadline := time.Now().Add(timeout); ; <-time.After(10 * time.Millisecond) {
		switch spare, err := pgtest.SpareConnections(); {
		case err != nil:
			t.Fatal(err)
		case spare == 0:
			return
		case time.Now().After(deadline):
			t.Fatalf("%d spare connections are still open", spare)
		}
	}
}
