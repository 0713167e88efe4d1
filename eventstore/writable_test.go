package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/eventstore/pgtest/failover"
)

// writable waits until CheckWritable succeeds.
func (l *testLog) writable() {
	l.t.Helper()
	eventually(l.t, "the log is writable", func() bool { return l.sequencer.CheckWritable(context.Background()) == nil })
}

// soonPolled lets an idle sequencer retry often.
var soonPolled = eventstore.Config{Now: time.Now, PollInterval: 20 * time.Millisecond}

func TestCheckWritable_names_a_standby(t *testing.T) {
	t.Parallel()
	d := failover.Start(t)
	l := openFailover(t, d, soonPolled)
	l.run(eventstore.SequencerConfig{Timeout: 100 * time.Millisecond})
	standby := d.Standby()
	l.list(1)
	standby.CatchUp()
	readOnly := func() bool { return errors.Is(l.sequencer.CheckWritable(t.Context()), eventstore.ErrReadOnly) }
	for _, idle := range []bool{true, false} {
		l.writable()
		d.LeadTo(standby)
		if !idle {
			gift := domain.Request{Command: domain.AddGift{Name: "rose", Price: 1}, Actor: operator}
			if _, err := l.sequencer.Execute(t.Context(), gift); !errors.Is(err, eventstore.ErrUnavailable) {
				t.Errorf("a command to a standby: %v", err)
			}
		}
		eventually(t, "the check names the standby", readOnly)
		d.LeadBack()
	}
	l.writable() // no further command is needed
	l.list(1)
}

func TestCheckWritable_names_the_holder_of_the_lock(t *testing.T) {
	t.Parallel()
	for name, execute := range map[string]bool{"without a command": false, "with a command": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := openLogAs(t, pgtest.New(t), soonPolled, eventstore.SequencerConfig{Timeout: 100 * time.Millisecond})
			l.list(1)
			l.writable()
			config, err := pgx.ParseConfig(l.db.DSN)
			if err != nil {
				t.Fatal(err)
			}
			config.RuntimeParams["application_name"] = "a foreign tool"
			foreign, err := pgx.ConnectConfig(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			defer foreign.Close(context.Background())
			if _, err := foreign.Exec(t.Context(), "SELECT pg_advisory_lock($1)", logLock); err != nil {
				t.Fatal(err)
			}
			if execute {
				_, err := l.sequencer.Execute(t.Context(), domain.Request{Command: domain.AddGift{Name: "rose", Price: 1}, Actor: operator})
				if !errors.Is(err, eventstore.ErrUnavailable) {
					t.Errorf("a command beside the foreign lock: %v", err)
				}
			}
			want := fmt.Sprintf("another database session (pid %d, application a foreign tool, since 20", foreign.PgConn().PID())
			eventually(t, "the check names the session", func() bool {
				err := l.sequencer.CheckWritable(t.Context())
				return err != nil && strings.HasPrefix(err.Error(), want)
			})
			if err := foreign.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			l.writable() // no further command is needed
			l.list(1)
		})
	}
}

// TestCheckWritable_names_a_table checks every table that commands write, while no command is executed: another session
// locks it, another session waits for such a lock, and the process may not write it.
func TestCheckWritable_names_a_table(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	l := openLogAs(t, db, soonPolled, eventstore.SequencerConfig{Timeout: 100 * time.Millisecond})
	l.list(1)
	fails := func(what, want string) {
		t.Helper()
		eventually(t, what, func() bool {
			err := l.sequencer.CheckWritable(context.Background())
			return err != nil && strings.Contains(err.Error(), want)
		})
	}
	tables := "SELECT table_name FROM information_schema.role_table_grants WHERE grantee = 'roomlog_serving' AND table_schema = 'public' AND privilege_type = 'INSERT'"
	rows, err := db.Owner.Query(t.Context(), tables)
	if err != nil {
		t.Fatal(err)
	}
	written, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	// Projectors, starting servers, surveys and the counters of deliveries write these; what sends events to webhooks writes webhook_….
	others := []string{"checkpoint", "secret_fingerprint", "survey_reply", "gift_delivery", "live_delivery"}
	checked := 0
	for _, table := range written {
		if slices.Contains(others, table) || strings.HasPrefix(table, "tlog_") || strings.HasPrefix(table, "webhook_") {
			continue
		}
		checked++
		for _, mode := range []string{"SHARE", "ACCESS EXCLUSIVE"} {
			foreign := begin(t, db)
			if _, err := foreign.Exec(t.Context(), "LOCK TABLE "+table+" IN "+mode+" MODE"); err != nil {
				t.Fatal(err)
			}
			fails("the check names the session that locks "+table, fmt.Sprintf("(pid %d, application ", foreign.Conn().PgConn().PID()))
			fails("the check names the table", "holds a lock on table "+table+": end it")
			if err := foreign.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			l.writable()
		}
		if _, err := db.Owner.Exec(t.Context(), "REVOKE INSERT ON "+table+" FROM roomlog_serving"); err != nil {
			t.Fatal(err)
		}
		fails("the check names the table without rights", "table "+table+" is missing, or the database role of this process may not write it")
		if _, err := db.Owner.Exec(t.Context(), "GRANT INSERT ON "+table+" TO roomlog_serving"); err != nil {
			t.Fatal(err)
		}
		l.writable()
	}
	if checked != 5 {
		t.Errorf("%d tables were checked, want 5: %v", checked, written)
	}

	reader, migration := begin(t, db), begin(t, db)
	if _, err := reader.Exec(t.Context(), "SELECT FROM user_key"); err != nil {
		t.Fatal(err)
	}
	locked := make(chan error, 1)
	go func() {
		_, err := migration.Exec(context.Background(), "LOCK TABLE user_key IN ACCESS EXCLUSIVE MODE")
		locked <- err
	}()
	fails("the check names the session for which a lock waits", fmt.Sprintf("(pid %d, application ", reader.Conn().PgConn().PID()))
	if err := reader.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	fails("the check names the session that has the lock now", fmt.Sprintf("(pid %d, application ", migration.Conn().PgConn().PID()))
	if err := errors.Join(<-locked, migration.Rollback(t.Context())); err != nil {
		t.Fatal(err)
	}
	l.writable()
	l.list(1)
}

// begin begins a transaction of another session.
func begin(t *testing.T, db *pgtest.DB) pgx.Tx {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.DSN)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

// TestCheckWritable_accepts_busy_neighbours checks that CheckWritable succeeds while the transactions of other
// sequencers take the lock again and again.
func TestCheckWritable_accepts_busy_neighbours(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	logs := []*testLog{openLog(t, db, eventstore.SequencerConfig{}), openLog(t, db, eventstore.SequencerConfig{})}
	idle := openLog(t, db, eventstore.SequencerConfig{})
	traffic := startTraffic(t, logs[0].fixture(16, 1_000_000), logs...)
	for range 20 {
		traffic.flows(20)
		if err := idle.sequencer.CheckWritable(t.Context()); err != nil {
			t.Error(err)
		}
	}
	traffic.end()
}
