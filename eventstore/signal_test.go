package eventstore_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
)

func TestBell(t *testing.T) {
	t.Parallel()
	bell := newLog(t).store.Projected()
	seen := bell.Count()

	t.Run("wakes everybody who waits", func(t *testing.T) {
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() {
				if now := bell.Wait(t.Context(), seen, time.Minute); now != seen+1 {
					t.Errorf("woken at ring %d, want %d", now, seen+1)
				}
			})
		}
		bell.Notify()
		group.Wait()
	})
	t.Run("does not make those wait who missed a ring", func(t *testing.T) {
		if now := bell.Wait(t.Context(), seen, time.Minute); now != seen+1 {
			t.Errorf("ring %d, want %d", now, seen+1)
		}
	})
	t.Run("lets nobody wait for longer than asked", func(t *testing.T) {
		began := time.Now()
		if now := bell.Wait(t.Context(), seen+1, 30*time.Millisecond); now != seen+1 {
			t.Errorf("ring %d, want %d", now, seen+1)
		}
		if took := time.Since(began); took < 20*time.Millisecond {
			t.Errorf("waited for %s only", took)
		}
	})
	t.Run("lets nobody wait whose context has ended", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if now := bell.Wait(ctx, seen+1, time.Minute); now != seen+1 {
			t.Errorf("ring %d, want %d", now, seen+1)
		}
	})
	t.Run("may be rung by anybody at any time", func(t *testing.T) {
		before := bell.Count()
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for range 100 {
					bell.Notify()
				}
			})
			group.Go(func() {
				for at := before; at < before+800; {
					at = bell.Wait(t.Context(), at, time.Minute)
				}
			})
		}
		group.Wait()
	})
}

func TestTheBellRingsForWhatThisProcessAppends(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	seen := l.store.Appended().Count()
	l.list(1)
	if l.store.Appended().Count() == seen {
		t.Error("silent after an append")
	}
	seen = l.store.Appended().Count()
	l.do(domain.WithdrawGift{Gift: 1})
	l.do(domain.WithdrawGift{Gift: 1}) // nothing follows
	if rings := l.store.Appended().Count() - seen; rings != 1 {
		t.Errorf("%d rings for one event", rings)
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
	hears := func(what string, bell *eventstore.Signal, make func()) {
		t.Helper()
		seen := bell.Count()
		make()
		if bell.Wait(t.Context(), seen, 20*time.Second) == seen {
			t.Fatal("not heard: ", what)
		}
	}
	seen := reader.store.Projected().Count()
	if reader.store.Projected().Wait(t.Context(), seen, 20*time.Second) == seen && seen == 0 {
		t.Fatal("no ring for what may have happened before listening")
	}
	hears("an append", reader.store.Appended(), func() { writer.list(1) })
	notify := func() {
		if _, err := db.Pool.Exec(t.Context(), "SELECT pg_notify($1, '')", eventstore.ChannelProjected); err != nil {
			t.Fatal(err)
		}
	}
	hears("a projection", reader.store.Projected(), notify)

	// The connection is lost: what is missed meanwhile is made up for.
	hears("the way back", reader.store.Appended(), func() {
		_, err := db.Owner.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'
			AND datname = current_database()`)
		if err != nil {
			t.Fatal(err)
		}
	})
	hears("an append after that", reader.store.Appended(), func() { writer.list(1) })
	hears("a projection after that", reader.store.Projected(), notify)
	cancel()
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
