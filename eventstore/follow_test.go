package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/waittest"
)

// tail follows a log in the background. It checks that each event has the position after the previous event.
type tail struct {
	t       testing.TB
	cancel  context.CancelFunc
	heard   chan int64 // the positions of the events, in order
	done    chan error
	largest int
}

func startTail(t testing.TB, s *eventstore.Store, after int64) *tail {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	f := &tail{t: t, cancel: cancel, heard: make(chan int64, 100_000), done: make(chan error, 1)}
	last := after
	go func() {
		f.done <- s.Follow(ctx, after, func(_ context.Context, events []eventstore.Record) error {
			f.largest = max(f.largest, len(events))
			for _, r := range events {
				if r.Position != last+1 {
					return fmt.Errorf("position %d follows %d", r.Position, last)
				}
				if r.Event == nil {
					return fmt.Errorf("position %d is not decoded", r.Position)
				}
				last = r.Position
				f.heard <- last
			}
			return nil
		})
	}()
	t.Cleanup(cancel)
	return f
}

// reaches waits until the tail has reached a position.
func (f *tail) reaches(position int64) {
	f.t.Helper()
	deadline := time.After(3 * time.Minute)
	for {
		select {
		case at := <-f.heard:
			if at == position {
				return
			}
		case err := <-f.done:
			f.t.Fatalf("the tail ended before %d: %v", position, err)
		case <-deadline:
			f.t.Fatalf("the tail did not reach position %d", position)
		}
	}
}

func (f *tail) end() {
	f.t.Helper()
	f.cancel()
	if err := waittest.Receive(f.t, f.done, "the end of the tail"); err != nil {
		f.t.Errorf("the tail ended with %v", err)
	}
}

// TestFollow follows the log while connections are cut, in three processes: one that appends, one that listens, and one
// that does neither.
func TestFollow(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	logs := []*testLog{openLog(t, db, eventstore.SequencerConfig{}), openLog(t, db, eventstore.SequencerConfig{})}
	p := logs[0].fixture(12, 1_000_000)
	quick := eventstore.Config{Now: time.Now, PollInterval: 20 * time.Millisecond}
	deaf, listening := openStore(t, db, quick), openStore(t, db, quick)
	ctx, cancel := context.WithCancel(t.Context())
	heard := make(chan error)
	go func() { heard <- listening.store.Listen(ctx) }()
	tails := []*tail{
		startTail(t, logs[0].store, 0), startTail(t, logs[1].store, 0), startTail(t, deaf.store, 0),
		startTail(t, listening.store, 0), startTail(t, deaf.store, 17),
	}
	traffic := startTraffic(t, p, logs...)
	for range 12 {
		traffic.flows(30)
		_, err := db.Owner.Exec(t.Context(), `
			SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name = 'roomlog test'`)
		if err != nil {
			t.Fatal(err)
		}
	}
	traffic.end()
	head, err := logs[0].store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range tails {
		f.reaches(head)
		f.end()
	}
	cancel()
	if err := waittest.Receive(t, heard, "the end of Listen"); err != nil {
		t.Error(err)
	}
}

func TestFollowReturnsAtMost1000EventsAtATime(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	_, err := l.db.Owner.Exec(t.Context(), `
		INSERT INTO events SELECT n, 'gift-' || n, 1, gen_random_uuid(), 'gift.added.v1', '{"gift":1,"name":"rose","image":"","price":1}', '{}', NULL, now()
		FROM generate_series(1, 2500) n`)
	if err != nil {
		t.Fatal(err)
	}
	f := startTail(t, l.store, 0)
	f.reaches(2500)
	if f.end(); f.largest != 1000 {
		t.Errorf("%d at most, want 1000", f.largest)
	}
}

// TestFollowPollsWithoutNotifications checks that a process that does not call Listen, and so gets no notifications,
// reads new events.
func TestFollowPollsWithoutNotifications(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	writer := openLog(t, db, eventstore.SequencerConfig{})
	reader := openStore(t, db, eventstore.Config{Now: time.Now, PollInterval: 100 * time.Millisecond})
	f := startTail(t, reader.store, 0)
	for n := int64(1); n < 6; n++ {
		writer.list(1)
		f.reaches(n)
	}
	f.end()
}

func TestFollowReturnsTheErrorOfItsHandler(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.list(1)
	enough := errors.New("enough")
	err := l.store.Follow(t.Context(), 0, func(context.Context, []eventstore.Record) error { return enough })
	if !errors.Is(err, enough) {
		t.Fatalf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.store.Follow(ctx, 0, func(context.Context, []eventstore.Record) error { return enough }); err != nil {
		t.Fatalf("after the end: %v", err)
	}
}

// TestFollowDetectsARestoredLog restores the database to an earlier state under a running process. Follow must end:
// otherwise it would skip the new events at the old positions.
func TestFollowDetectsARestoredLog(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	for range 5 {
		l.list(1)
	}
	lost := func(what string, f *tail) {
		t.Helper()
		select {
		case err := <-f.done:
			if !errors.Is(err, eventstore.ErrCursorLost) {
				t.Errorf("%s: got %v", what, err)
			}
		case <-time.After(3 * time.Minute):
			t.Errorf("%s: not noticed", what)
		}
	}
	lost("beyond the end", startTail(t, l.store, 6))
	reader := openStore(t, l.db, eventstore.Config{Now: time.Now, PollInterval: 20 * time.Millisecond})
	f := startTail(t, reader.store, 0)
	f.reaches(5)
	restore := func(statement string) {
		t.Helper()
		if _, err := l.db.Owner.Exec(t.Context(), "ALTER TABLE events DISABLE TRIGGER ALL; "+statement); err != nil {
			t.Fatal(err)
		}
	}
	restore("UPDATE events SET event_id = gen_random_uuid() WHERE position = 5")
	lost("another event", f)
	f = startTail(t, reader.store, 4)
	f.reaches(5)
	restore("DELETE FROM events WHERE position > 3")
	lost("fewer events", f)
}

func TestFollowContinuesAfterAnUnreadableEvent(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	at := l.insert("gift-1", 1, "gift.gilded.v1", `{}`)
	f := startTail(t, l.store, at)
	l.execute(domain.Request{Command: domain.RegisterUser{Username: "a", NameKey: "a"}})
	f.reaches(at + 2)
	f.end()
}

// TestFollowKnowsOwnEvents checks the events that a Sequencer of the same Store has just committed. Follow must return
// them as it would return them from the database, and must mark them, also after another process has appended events.
func TestFollowKnowsOwnEvents(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	own, other := openLog(t, db, eventstore.SequencerConfig{}), openLog(t, db, eventstore.SequencerConfig{})
	p := own.fixture(2, 1000)
	begin, err := own.store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	follow := func(s *eventstore.Store) <-chan eventstore.Record {
		records := make(chan eventstore.Record, 100)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- s.Follow(ctx, begin, func(_ context.Context, events []eventstore.Record) error {
				for _, r := range events {
					records <- r
				}
				return nil
			})
		}()
		t.Cleanup(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		return records
	}
	memory, database := follow(own.store), follow(openStore(t, db, eventstore.Config{Now: time.Now, PollInterval: 5 * time.Millisecond}).store)
	for _, l := range []*testLog{own, own, other, own, own} {
		l.execute(p.users[0].request(p.say("hello")))
		got, want := waittest.Receive(t, memory, "an event from memory"), waittest.Receive(t, database, "an event from the database")
		if want.Own {
			t.Errorf("event %d is the own one of a store without a sequencer", got.Position)
		}
		if got.Own != (l == own) {
			t.Errorf("event %d: own %v", got.Position, got.Own)
		}
		got.Own = false
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("from the database (-), from memory (+):\n%s", diff)
		}
	}
}
