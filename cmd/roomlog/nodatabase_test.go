package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"roomlog/eventstore/pgtest"
)

// existingDatabaseCommands are the commands that need a database but do not create one.
var existingDatabaseCommands = [][]string{
	{"gift", "add", "--name", "Rose", "--coin", "3"}, {"gift", "list"}, {"gift", "reprice", "1", "--coin", "3"}, {"gift", "withdraw", "1"},
	{"coins", "credit", "--user", "1", "--amount", "1", "--order", "A"},
	{"user", "list"}, {"user", "disable", "1"}, {"user", "enable", "1"}, {"user", "grant", "1", "--role", "analyst"},
	{"user", "revoke", "1", "--role", "analyst"}, {"user", "forget", "1", "--yes"},
	{"room", "add", "x"}, {"room", "list"}, {"participant", "list"}, {"participant", "forget", "1", "--yes"},
	{"streams", "list"}, {"live", "list"}, {"live", "stop", "1"}, {"sockets"}, {"kick", "--user", "1"},
	{"bridge", "--nats-url", "nats://127.0.0.1:4222", "--once"}, {"export"}, {"verify"}, {"rebuild"}, {"rebuild", "--rollback"}, {"rebuild", "--drop-old"},
}

func TestCommandsCreateNoDatabase(t *testing.T) {
	t.Parallel()
	for _, args := range existingDatabaseCommands {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			empty := t.TempDir()
			for _, dir := range []string{empty, filepath.Join(empty, "mistyped")} {
				got := runIn(t.Context(), map[string]string{"ROOMLOG_DATA": dir}, args...)
				if got.code != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, "roomlog: there is no database in the data folder "+dir+"\n") ||
					!strings.Contains(got.stderr, "roomlog serve") {
					t.Errorf("exit code %d: %s%s", got.code, got.stdout, got.stderr)
				}
			}
			if found, err := os.ReadDir(empty); err != nil || len(found) > 0 {
				t.Errorf("it created %v, %v", found, err)
			}
		})
	}
}

func TestCommandsMigrateNoEmptyDatabase(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Blank(t)
	for _, args := range existingDatabaseCommands {
		got := runIn(t.Context(), map[string]string{"DATABASE_URL": dsn}, args...)
		if got.code != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, "roomlog: the database has no tables of roomlog: ") {
			t.Errorf("%v: exit code %d: %s%s", args, got.code, got.stdout, got.stderr)
		}
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var tables int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace").Scan(&tables); err != nil || tables > 0 {
		t.Errorf("%d tables were created, %v", tables, err)
	}
}

// TestCommandsNameTheHolderOfTheLock checks that a command that waits in vain for the lock of the log names the
// session that holds it.
func TestCommandsNameTheHolderOfTheLock(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t).DSN
	conn, err := pgx.Connect(t.Context(), dsn+"&application_name=backup")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "SELECT pg_advisory_lock(x'6c6f67'::bigint)"); err != nil {
		t.Fatal(err)
	}
	got := runIn(t.Context(), map[string]string{"DATABASE_URL": dsn}, "gift", "add", "--name", "Rose", "--coin", "3", "--lock-timeout", "1s")
	want := fmt.Sprintf("another database session (pid %d, application backup, since ", conn.PgConn().PID())
	if got.code != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, want) {
		t.Errorf("exit code %d, got %s%s, want %q", got.code, got.stdout, got.stderr, want)
	}
}
