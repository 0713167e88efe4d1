package pgtest_test

import (
	"testing"

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
			first := server.Pid()
			for _, again := range []func(){
				func() { server.Kill(); server.Start() },
				func() { server.Stop(); server.Start() },
				func() { server.Kill(); server.Restart() },
				server.Restart,
			} {
				again()
				if server.DSN() != dsn || server.Pid() == first {
					t.Errorf("%s, pid %d", server.DSN(), server.Pid())
				}
				fresh, err := pgxpool.New(t.Context(), dsn) // the old pool holds connections that are dead
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
