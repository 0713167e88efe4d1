package eventstore_test

import (
	"context"
	"errors"
	"fmt"
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
	pool, err := eventstore.OpenPool(t.Context(), d.DSN(), eventstore.PoolOptions{MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	store, err := eventstore.Open(t.Context(), pool, soonPolled)
	if err != nil {
		t.Fatal(err)
	}
	l := &testLog{t: t, store: store}
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
