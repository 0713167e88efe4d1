package eventstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/wait"
	"roomlog/internal/waittest"
)

func TestAppendedIsNotifiedOfOwnCommits(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	seen := l.store.Appended().Count()
	l.list(1)
	if l.store.Appended().Count() == seen {
		t.Error("no notification of an append")
	}
	seen = l.store.Appended().Count()
	l.do(domain.WithdrawGift{Gift: 1})
	l.do(domain.WithdrawGift{Gift: 1}) // this command causes no event
	if count := l.store.Appended().Count() - seen; count != 1 {
		t.Errorf("%d notifications of one event, want 1", count)
	}
}

func TestListen(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	writer := openLog(t, db, eventstore.SequencerConfig{})
	reader := openStore(t, db, eventstore.Config{Now: time.Now, PollInterval: 50 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- reader.store.Listen(ctx) }()
	notified := func(what string, signal *wait.Signal, make func()) {
		t.Helper()
		seen := signal.Count()
		make()
		if signal.Wait(t.Context(), seen, time.Minute) == seen {
			t.Fatal("no notification of ", what)
		}
	}
	seen := reader.store.Projected().Count()
	if reader.store.Projected().Wait(t.Context(), seen, time.Minute) == seen && seen == 0 {
		t.Fatal("no notification of what happened before listening")
	}
	notified("an append", reader.store.Appended(), func() { writer.list(1) })
	notify := func() {
		if _, err := db.Pool.Exec(t.Context(), "SELECT pg_notify($1, '')", eventstore.ChannelProjected); err != nil {
			t.Fatal(err)
		}
	}
	notified("a projection", reader.store.Projected(), notify)

	// After a lost connection, the signal is notified of what was missed.
	notified("the reconnection", reader.store.Appended(), func() {
		_, err := db.Owner.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'
			AND datname = current_database()`)
		if err != nil {
			t.Fatal(err)
		}
	})
	notified("an append after that", reader.store.Appended(), func() { writer.list(1) })
	notified("a projection after that", reader.store.Projected(), notify)
	cancel()
	if err := waittest.Receive(t, done, "the end of Listen"); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
