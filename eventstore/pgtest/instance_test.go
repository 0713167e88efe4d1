package pgtest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/eventstore/pgtest"
)

func TestServer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		options []pgtest.Option
		fsync   string
	}{
		{"fast", []pgtest.Option{pgtest.Setting("work_mem", "5MB")}, "off"},
		{"durable", []pgtest.Option{pgtest.Durable, pgtest.Setting("work_mem", "5MB")}, "on"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := pgtest.Server(t, c.options...)
			dsn := server.DSN()
			db := server.Open()
			if got := query[string](t, db.Owner, "SELECT current_setting('fsync') || current_setting('work_mem')"); got != c.fsync+"5MB" {
				t.Error(got)
			}
			if got := query[string](t, db.Pool, "SELECT current_user"); got != "roomlog_serving" {
				t.Error(got)
			}
			if _, err := db.Owner.Exec(t.Context(), "CREATE TABLE fact AS SELECT 42 AS n"); err != nil {
				t.Fatal(err)
			}
			first := server.PID()
			for _, again := range []func(){
				func() { server.Kill(); server.Start() },
				func() { server.Stop(); server.Start() },
				func() { server.Kill(); server.Restart() },
				server.Restart,
			} {
				again()
				if server.DSN() != dsn || server.PID() == first {
					t.Errorf("%s, pid %d", server.DSN(), server.PID())
				}
				fresh, err := pgxpool.New(t.Context(), dsn) // a new pool: the connections of the old one are dead
				if err != nil {
					t.Fatal(err)
				}
				if n := query[int](t, fresh, "SELECT n FROM fact"); n != 42 {
					t.Error(n)
				}
				fresh.Close()
			}
		})
	}
}

// TestServer_does_not_depend_on_a_cluster_to_copy checks that a server starts even if the data directory to copy is
// damaged. Copies only save time.
func TestServer_does_not_depend_on_a_cluster_to_copy(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	work := func(t *testing.T) {
		t.Helper()
		output, err := helper(t, "server", shared(dir, time.Millisecond)...)
		if err != nil || output["user"] != "roomlog_serving" {
			t.Fatalf("%v\n%s", err, output["all"])
		}
	}
	clusters := func(t *testing.T) []string {
		t.Helper()
		there, err := filepath.Glob(filepath.Join(dir, "cluster-*", "PG_VERSION"))
		if err != nil {
			t.Fatal(err)
		}
		return there
	}
	t.Run("creates one", func(t *testing.T) {
		if work(t); len(clusters(t)) != 1 {
			t.Errorf("clusters: %v, want 1 element", clusters(t))
		}
	})
	t.Run("copies it", work)
	t.Run("creates another if it belongs to another version", func(t *testing.T) {
		version := clusters(t)[0]
		good, err := os.ReadFile(version)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(version, []byte("9\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		work(t)
		work(t)
		if again, err := os.ReadFile(clusters(t)[0]); string(again) != string(good) {
			t.Errorf("got %s %v", again, err)
		}
	})
	t.Run("removes those of other migrations", func(t *testing.T) {
		if err := os.Rename(filepath.Dir(clusters(t)[0]), filepath.Join(dir, "cluster-0")); err != nil {
			t.Fatal(err)
		}
		if work(t); len(clusters(t)) != 1 || strings.Contains(clusters(t)[0], "cluster-0") {
			t.Errorf("clusters: %v", clusters(t))
		}
	})
	t.Run("starts without one", func(t *testing.T) {
		for _, file := range clusters(t) {
			if err := os.RemoveAll(filepath.Dir(file)); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Dir(file), nil, 0o600); err != nil { // a file in place of the data directory, so that no server can start on a copy
				t.Fatal(err)
			}
		}
		work(t)
	})
}
