package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5"

	"roomlog/eventstore"
	"roomlog/eventstore/consumer"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/waittest"
)

// reader reads batches of the consumer group "readers". It inserts their positions into a table, in the transaction of
// each batch.
type reader struct {
	*testLog
	stop func()
}

// read starts a reader. If before is not nil, it runs in each transaction before the positions are inserted.
func (l *testLog) read(c consumer.Config, before func(context.Context, pgx.Tx, *consumer.Batch) error) *reader {
	l.t.Helper()
	c.Group = "readers"
	ctx, cancel := context.WithCancel(context.Background())
	messages, err := consumer.Subscribe(ctx, l.store, c)
	if err != nil {
		l.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m := range messages {
			l.take(m, before)
		}
	}()
	r := &reader{l, func() { cancel(); <-done }}
	l.t.Cleanup(r.stop)
	return r
}

func (l *testLog) take(m *message.Message, before func(context.Context, pgx.Tx, *consumer.Batch) error) {
	e, ok := consumer.BatchOf(m)
	if !ok {
		l.t.Error("a message without an envelope")
		m.Nack()
		return
	}
	e.Handle(m, func(ctx context.Context, tx pgx.Tx) error {
		if before != nil {
			if err := before(ctx, tx, e); err != nil {
				return err
			}
		}
		for i, r := range e.Events {
			if r.Position != e.After+1+int64(i) {
				return fmt.Errorf("position %d at place %d behind %d", r.Position, i, e.After)
			}
			if _, err := tx.Exec(ctx, "INSERT INTO seen (position, type) VALUES ($1, $2)", r.Position, r.Type); err != nil {
				return err
			}
		}
		return nil
	})
}

// newConsumerLog returns a log, and creates the table into which readers insert positions.
func newConsumerLog(t *testing.T) *testLog {
	t.Helper()
	l := newLog(t)
	l.exec("CREATE TABLE public.seen (n bigserial, position bigint, type text)")
	l.exec("GRANT ALL ON public.seen TO PUBLIC; GRANT ALL ON SEQUENCE public.seen_n_seq TO PUBLIC")
	return l
}

func (l *testLog) exec(sql string) {
	l.t.Helper()
	if _, err := l.db.Owner.Exec(context.Background(), sql); err != nil {
		l.t.Fatalf("%s: %v", sql, err)
	}
}

// seen returns the number of inserted positions, and whether they are 1, 2, 3, … in the order of insertion.
func (l *testLog) seen() (n int64, inOrder bool) {
	l.t.Helper()
	err := l.db.Owner.QueryRow(context.Background(), `SELECT count(*), coalesce(bool_and(position = row), true) FROM
		(SELECT position, row_number() OVER (ORDER BY n) AS row FROM public.seen) s`).Scan(&n, &inOrder)
	if err != nil {
		l.t.Fatal(err)
	}
	return n, inOrder
}

// waitForAll waits until every position of the log has been inserted, once and in order.
func (l *testLog) waitForAll() {
	l.t.Helper()
	head, err := l.store.Head(context.Background())
	if err != nil {
		l.t.Fatal(err)
	}
	eventually(l.t, fmt.Sprintf("%d events are read", head), func() bool { n, _ := l.seen(); return n >= head })
	if n, inOrder := l.seen(); n != head || !inOrder {
		l.t.Fatalf("%d positions were noted of %d, in order: %v", n, head, inOrder)
	}
}

func TestConsumer(t *testing.T) {
	t.Parallel()
	t.Run("delivers every event once and in order", func(t *testing.T) {
		t.Parallel()
		l := newConsumerLog(t)
		p := l.fixture(20, 1000)
		l.read(consumer.Config{BatchSize: 7, PollInterval: time.Hour}, nil)
		l.waitForAll()
		for i := range 50 { // the reader gets new events although it does not poll
			l.execute(p.users[i%20].request(p.give(1)))
		}
		l.waitForAll()
	})

	t.Run("commits the work with the checkpoint or not at all, and delivers the batch again", func(t *testing.T) {
		t.Parallel()
		l := newConsumerLog(t)
		l.fixture(5, 10)
		var mu sync.Mutex
		failures, heard := 5, 0
		failed := errors.New("not yet")
		l.read(consumer.Config{
			BatchSize: 10,
			OnError: func(err error) time.Duration {
				mu.Lock()
				defer mu.Unlock()
				if errors.Is(err, failed) {
					heard++
				}
				return 0
			},
		}, func(ctx context.Context, tx pgx.Tx, e *consumer.Batch) error {
			mu.Lock()
			defer mu.Unlock()
			if failures--; failures >= 0 {
				_, err := tx.Exec(ctx, "INSERT INTO seen (position) VALUES (-1)")
				return errors.Join(failed, err)
			}
			return nil
		})
		l.waitForAll()
		mu.Lock()
		defer mu.Unlock()
		if heard != 5 {
			t.Errorf("%d of 5 failures were heard of, want 5", heard)
		}
	})

	t.Run("takes turns with other processes", func(t *testing.T) {
		t.Parallel()
		l := newConsumerLog(t)
		p := l.fixture(20, 1000)
		worked := make(chan int, 10_000)
		for i := range 3 {
			openStore(t, l.db, eventstore.Config{Now: time.Now}).read(consumer.Config{BatchSize: 3, PollInterval: time.Millisecond},
				func(context.Context, pgx.Tx, *consumer.Batch) error { worked <- i; return nil })
		}
		for i := range 200 {
			l.execute(p.users[i%20].request(p.give(1)))
		}
		l.waitForAll()
	})

	t.Run("discards interrupted work", func(t *testing.T) {
		t.Parallel()
		l := newConsumerLog(t)
		l.fixture(5, 10)
		began := make(chan struct{})
		r := l.read(consumer.Config{}, func(ctx context.Context, tx pgx.Tx, _ *consumer.Batch) error {
			close(began)
			<-ctx.Done() // the subscription has ended during the handler
			return nil
		})
		waittest.Receive(t, began, "the handler")
		r.stop()
		if n, _ := l.seen(); n != 0 {
			t.Errorf("%d positions of work that was never acknowledged, want 0", n)
		}
		l.read(consumer.Config{}, nil)
		l.waitForAll()
	})

	t.Run("may truncate a batch", func(t *testing.T) {
		t.Parallel()
		l := newConsumerLog(t)
		l.fixture(5, 10)
		l.read(consumer.Config{BatchSize: 10}, func(_ context.Context, _ pgx.Tx, e *consumer.Batch) error {
			e.Truncate(min(3, len(e.Events)))
			return nil
		})
		l.waitForAll()
	})

	t.Run("is not delayed by open transactions", func(t *testing.T) {
		t.Parallel()
		l := newConsumerLog(t)
		tx, err := l.db.Owner.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback(context.Background()) }()
		if _, err := tx.Exec(t.Context(), "SELECT pg_current_xact_id()"); err != nil {
			t.Fatal(err)
		}
		l.read(consumer.Config{PollInterval: time.Hour}, nil)
		l.fixture(5, 10)
		l.waitForAll()
	})

	t.Run("survives killed connections", func(t *testing.T) {
		t.Parallel()
		l := newConsumerLog(t)
		p := l.fixture(10, 10_000)
		reading := openStore(t, l.db, eventstore.Config{Now: time.Now})
		reading.read(consumer.Config{BatchSize: 5, PollInterval: 5 * time.Millisecond, OnError: func(error) time.Duration { return time.Millisecond }}, nil)
		for i := range 100 {
			l.execute(p.users[i%10].request(p.give(1)))
			if i%5 == 0 {
				l.exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
					WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%seen%' AND state <> 'idle'`)
			}
		}
		l.waitForAll()
	})

	t.Run("takes over the checkpoint of a frozen process", func(t *testing.T) {
		t.Parallel()
		l := newConsumerLog(t)
		l.fixture(3, 10)
		frozen := make(chan struct{})
		thaw := make(chan struct{})
		var once sync.Once
		stuck := openStore(t, l.db, eventstore.Config{Now: time.Now}).read(consumer.Config{OnError: func(error) time.Duration { return time.Hour }},
			func(context.Context, pgx.Tx, *consumer.Batch) error {
				once.Do(func() {
					close(frozen)
					select {
					case <-thaw:
					case <-t.Context().Done():
					}
				})
				return nil
			})
		waittest.Receive(t, frozen, "the handler that hangs")
		l.read(consumer.Config{PollInterval: 20 * time.Millisecond}, nil)
		l.waitForAll()
		close(thaw)
		stuck.stop()
		l.waitForAll()
	})

	for name, replace := range map[string]string{
		"the log is shorter":              "DELETE FROM events WHERE position > 3",
		"the log has another event there": "UPDATE events SET event_id = gen_random_uuid() WHERE position = (SELECT max(position) FROM events)",
		"the log has another event there, and more": `UPDATE events SET event_id = gen_random_uuid() WHERE position = (SELECT max(position) FROM events);
			INSERT INTO events SELECT max(position) + 1, 'gift-99', 1, gen_random_uuid(), 'gift.added.v1', '{}', '{}', NULL, now() FROM events`,
	} {
		t.Run("stops at a checkpoint of another log: "+name, func(t *testing.T) {
			t.Parallel()
			l := newConsumerLog(t)
			l.fixture(3, 10)
			failed := make(chan error, 1)
			l.read(consumer.Config{PollInterval: 10 * time.Millisecond, OnError: func(err error) time.Duration {
				select {
				case failed <- err:
				default:
				}
				return 10 * time.Millisecond
			}}, nil)
			l.waitForAll()
			head := l.number("SELECT position FROM checkpoint WHERE consumer_group = 'readers'")
			l.exec("BEGIN; ALTER TABLE events DISABLE TRIGGER ALL; " + replace + "; COMMIT")
			var lost *consumer.CheckpointError
			if err := waittest.Receive(t, failed, "the failure"); !errors.As(err, &lost) || lost.Position != head || !strings.Contains(err.Error(), "roomlog rebuild") {
				t.Errorf("got %v, want an error about position %d", err, head)
			}
			if n, _ := l.seen(); n != head {
				t.Errorf("%d events are read, want %d", n, head)
			}
			l.exec("DELETE FROM public.seen; DELETE FROM checkpoint; INSERT INTO checkpoint (consumer_group) VALUES ('readers')")
			l.waitForAll()
		})
	}

	t.Run("writes nothing while there is nothing to read", func(t *testing.T) {
		t.Parallel()
		// The log has its own PostgreSQL server; in a shared server the work of other tests would be measured too.
		l := openLog(t, pgtest.Server(t, pgtest.Setting("autovacuum", "off")).Open(), eventstore.SequencerConfig{})
		l.exec("CREATE TABLE public.seen (n bigserial, position bigint, type text)")
		l.exec("GRANT ALL ON public.seen TO PUBLIC; GRANT ALL ON SEQUENCE public.seen_n_seq TO PUBLIC")
		l.fixture(5, 10)
		l.read(consumer.Config{PollInterval: time.Millisecond}, nil)
		l.waitForAll()
		l.exec("VACUUM") // writes hint bits and prunes pages now, so that this does not happen during the measurement
		l.exec("CHECKPOINT")
		const xids, wal = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint", "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint"
		const polls = "SELECT xact_rollback + xact_commit FROM pg_stat_database WHERE datname = current_database()"
		xidsBefore, walBefore, pollsBefore := l.number(xids), l.number(wal), l.number(polls)
		eventually(t, "the client has polled hundreds of times", func() bool { return l.number(polls) > pollsBefore+500 })
		if taken, written := l.number(xids)-xidsBefore, l.number(wal)-walBefore; taken != 0 || written > 1024 {
			t.Errorf("%d transaction ids, %d bytes of WAL", taken, written)
		}
	})
}

func (l *testLog) number(sql string) (n int64) {
	l.t.Helper()
	if err := l.db.Owner.QueryRow(context.Background(), sql).Scan(&n); err != nil {
		l.t.Fatalf("%s: %v", sql, err)
	}
	return n
}
