package migrations_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"roomlog/eventstore/localpg"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/waittest"
	"roomlog/migrations"
)

// cluster starts a PostgreSQL server without the role but with further users.
func cluster(t *testing.T, users ...string) *localpg.Server {
	t.Helper()
	dir := pgtest.Dir(t)
	server, err := localpg.Start(t.Context(), localpg.Config{DataDir: dir, Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	ident, err := os.OpenFile(filepath.Join(dir, "pg_ident.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range users {
		fmt.Fprintf(ident, "roomlog %q %q\n", me.Username, name)
	}
	if err := ident.Close(); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, server.DSN("postgres"))
	for _, name := range users {
		must(t, conn, "CREATE USER "+name)
	}
	must(t, conn, "SELECT pg_reload_conf()")
	for _, name := range users { // the main process reloads its configuration after some time
		eventually(t, func() bool {
			conn, err := pgx.Connect(t.Context(), as(name, server.DSN("postgres")))
			return err == nil && conn.Close(t.Context()) == nil
		})
	}
	return server
}

// as returns the connection string for another user.
func as(name, dsn string) string { return strings.Replace(dsn, localpg.User+"@", name+"@", 1) }

// TestApply_runs_concurrently_in_one_cluster migrates several databases of one server at the same time. These
// migrations can conflict, because roles belong to the server, but a lock covers only one database.
func TestApply_runs_concurrently_in_one_cluster(t *testing.T) {
	t.Parallel()
	server := cluster(t, "operator")
	conn := connect(t, server.DSN("postgres"))
	must(t, conn, "ALTER USER operator CREATEROLE") // unlike a superuser, this user needs a GRANT
	var g errgroup.Group
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		must(t, conn, "CREATE DATABASE "+name+" OWNER operator")
		for range 2 {
			g.Go(func() error {
				r, err := migrations.Apply(t.Context(), as("operator", server.DSN(name)), migrations.Config{})
				if err == nil && !r.ServingRole {
					err = errors.New("without the serving role")
				}
				return err
			})
		}
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestApply_when_another_database_creates_the_role_at_the_same_time(t *testing.T) {
	t.Parallel()
	server := cluster(t)
	conn := connect(t, server.DSN("postgres"))
	must(t, conn, "BEGIN")
	must(t, conn, "CREATE ROLE "+migrations.Role+" NOLOGIN")
	done := make(chan error)
	go func() {
		r, err := migrations.Apply(t.Context(), server.DSN(localpg.Database), migrations.Config{})
		if err == nil && !r.ServingRole {
			err = errors.New("without the serving role")
		}
		done <- err
	}()
	watch := connect(t, server.DSN("postgres"))
	eventually(t, func() bool {
		return get[bool](t, watch, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'CREATE ROLE%')")
	})
	must(t, conn, "COMMIT") // Apply now finds out that the role exists
	if err := waittest.Receive(t, done, "the end of Apply"); err != nil {
		t.Fatal(err)
	}
}

func TestApply_without_the_right_to_create_roles(t *testing.T) {
	t.Parallel()
	server := cluster(t, "plain")
	conn := connect(t, server.DSN("postgres"))
	must(t, conn, "CREATE DATABASE theirs OWNER plain")
	dsn := as("plain", server.DSN("theirs"))
	refused := func(t *testing.T) {
		t.Helper()
		if r := apply(t, dsn, slog.New(slog.DiscardHandler)); r.ServingRole || r.Version == 0 || code(r.RoleError) != "42501" {
			t.Errorf("got %+v", r)
		}
	}
	t.Run("migrates and returns the reason", func(t *testing.T) {
		refused(t)
		if n := get[int](t, connect(t, dsn), "SELECT count(*) FROM events"); n != 0 {
			t.Error(n)
		}
	})
	t.Run("returns the reason when the role belongs to another user", func(t *testing.T) {
		must(t, conn, "CREATE ROLE "+migrations.Role+" NOLOGIN")
		refused(t)
	})
	t.Run("uses the role when an administrator has granted it", func(t *testing.T) {
		must(t, conn, "GRANT "+migrations.Role+" TO plain")
		if r := apply(t, dsn, slog.New(slog.DiscardHandler)); !r.ServingRole || r.RoleError != nil {
			t.Errorf("%+v", r)
		}
	})
}
