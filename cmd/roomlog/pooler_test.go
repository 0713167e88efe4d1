package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"roomlog/eventstore/pgtest"
	"roomlog/eventstore/pgtest/pooler"
)

// TestCommandsRefuseTransactionPooling checks that every command refuses a pooler that shares database sessions,
// immediately and before it changes or locks anything.
func TestCommandsRefuseTransactionPooling(t *testing.T) {
	t.Parallel()
	blank, migrated := pgtest.Blank(t), pgtest.New(t)
	for dsn, commands := range map[string][][]string{
		blank:        {{"serve", "--http-addr", "127.0.0.1:0", "--rtmp-addr", "127.0.0.1:0", "--flv-addr", "127.0.0.1:0"}, {"migrate"}},
		migrated.DSN: existingDatabaseCommands(t),
	} {
		address := pooler.Start(t, dsn, pooler.Transaction)
		for _, args := range commands {
			t.Run(strings.Join(args, " "), func(t *testing.T) {
				t.Parallel()
				got := runIn(t.Context(), map[string]string{"DATABASE_URL": address, "ROOMLOG_DATA": t.TempDir()}, args...)
				if got.code != exitFailed || got.stdout != "" || strings.Count(got.stderr, "pool_mode = session") != 1 {
					t.Errorf("exit code %d: %s%s", got.code, got.stdout, got.stderr)
				}
			})
		}
	}
	t.Cleanup(func() { // after the parallel subtests and before the databases are dropped
		ctx := context.WithoutCancel(t.Context())
		conn, err := pgx.Connect(ctx, blank)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close(ctx)
		var tables, locks int
		err = conn.QueryRow(ctx, `SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace),
			(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`).Scan(&tables, &locks)
		if err != nil || tables > 0 || locks > 0 {
			t.Errorf("%d tables and %d locks are left, %v", tables, locks, err)
		}
	})
}

// TestCommandsBehindSessionPooling checks that the commands of an operator work behind a pooler in session mode, one
// after another in the same database session.
func TestCommandsBehindSessionPooling(t *testing.T) {
	t.Parallel()
	address := pooler.Start(t, pgtest.Blank(t), pooler.Session)
	env := map[string]string{"DATABASE_URL": address, "ROOMLOG_DATA": t.TempDir()}
	for _, step := range []struct{ command, want string }{
		{"migrate", "roles: on"},
		{"migrate", "roles: on"},
		{"gift add --name Rose --coin 3", "gift 1: Rose, 3 coins"},
		{"gift list", "Rose"},
		{"rebuild -q", "rebuilt: 1 event up"},
		{"rebuild --rollback", "switched back"},
		{"export --out " + filepath.Join(t.TempDir(), "log"), ""},
		{"verify -q", "ok: 1 event"},
	} {
		got := runIn(t.Context(), env, strings.Fields(step.command)...)
		if got.code != exitOK || !strings.Contains(got.stdout, step.want) {
			t.Fatalf("%s: exit code %d: %s%s", step.command, got.code, got.stdout, got.stderr)
		}
	}
}
