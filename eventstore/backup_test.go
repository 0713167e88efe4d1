package eventstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
)

// backup is a copy of the log and its tables. restore writes it back while processes run.
type backup struct {
	t    testing.TB
	db   *pgtest.DB
	head int64
}

var logTables = []string{"events", "command", "snapshot", "user_key", "credential", "checkpoint"}

func takeBackup(t testing.TB, db *pgtest.DB) backup {
	t.Helper()
	b := backup{t: t, db: db}
	statements := []string{"DROP SCHEMA IF EXISTS backup CASCADE; CREATE SCHEMA backup"}
	for _, table := range logTables {
		statements = append(statements, fmt.Sprintf("CREATE TABLE backup.%[1]s AS TABLE public.%[1]s", table))
	}
	b.locked(strings.Join(statements, ";"))
	if err := db.Owner.QueryRow(context.Background(), "SELECT coalesce(max(position), 0) FROM backup.events").Scan(&b.head); err != nil {
		t.Fatal(err)
	}
	return b
}

// restore writes the backup back. To the processes it looks as if another server, restored from a backup, had taken
// over the address.
func (b backup) restore() {
	b.t.Helper()
	var statements []string
	for _, table := range logTables {
		statements = append(statements, fmt.Sprintf(`ALTER TABLE %[1]s DISABLE TRIGGER ALL; DELETE FROM %[1]s;
			INSERT INTO %[1]s SELECT * FROM backup.%[1]s; ALTER TABLE %[1]s ENABLE TRIGGER ALL`, table))
	}
	b.locked(strings.Join(statements, ";"))
}

// locked executes statements in one transaction that holds the lock of the log.
func (b backup) locked(statements string) {
	b.t.Helper()
	err := pgx.BeginFunc(context.Background(), b.db.Owner, func(tx pgx.Tx) error {
		_, err := tx.Exec(context.Background(), fmt.Sprintf("SELECT pg_advisory_xact_lock(%d); %s", logLock, statements))
		return err
	})
	if err != nil {
		b.t.Error(err)
	}
}

// readable checks that a new process can read every personal text of the log, and that no user id was assigned twice.
func readable(t testing.TB, db *pgtest.DB) {
	t.Helper()
	fresh := openStore(t, db, eventstore.Config{Now: time.Now})
	users := make(map[domain.UserID]bool)
	for _, r := range fresh.verified() {
		if r.Fault != nil {
			t.Errorf("position %d: %v", r.Position, r.Fault)
		}
		for _, text := range textsOf([]eventstore.Record{r}) {
			if text == eventstore.ErasedText {
				t.Errorf("a text of %s at position %d is lost", r.Type, r.Position)
			}
		}
		if e, ok := r.Event.(domain.UserRegistered); ok {
			if users[e.User] {
				t.Errorf("user %d was registered twice", e.User)
			}
			users[e.User] = true
		}
	}
}
