package feed

import (
	"fmt"
	"testing"
	"time"

	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
)

// TestIsRelay checks when the database is asked which process is the relay. No time passes for the feed.
func TestIsRelay(t *testing.T) {
	t.Parallel()
	db, begin := pgtest.New(t), time.Now()
	pool, err := eventstore.OpenPool(t.Context(), db.DSN, eventstore.PoolOptions{Serving: db.Serving, MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	store, err := eventstore.Open(t.Context(), pool, eventstore.Config{Now: func() time.Time { return begin }})
	if err != nil {
		t.Fatal(err)
	}
	source := func() *relayed { return newRelayed(store, &releaser{now: store.Now}, &relayState{}) }
	t.Run("again after a connection was made", func(t *testing.T) {
		s := source()
		former, err := takeLease(t.Context(), pool, "former", time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if !s.isRelay(t.Context(), nameOf("former")) {
			t.Fatal("the relay is not believed")
		}
		former.Release(t.Context())
		pool.Reset()
		if _, err := pool.Exec(t.Context(), "SELECT 1"); err != nil { // as every check of the history does
			t.Fatal(err)
		}
		if s.isRelay(t.Context(), nameOf("former")) {
			t.Error("the relay is believed although the connections may lead to another primary")
		}
	})
	t.Run("again after a connection was made, although many unknown tokens came", func(t *testing.T) {
		s := source()
		former, err := takeLease(t.Context(), pool, "former", time.Now)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10 * maxRechecks {
			if s.isRelay(t.Context(), fmt.Sprint("unknown ", i)) {
				t.Fatal("an unknown token is believed")
			}
		}
		if !s.isRelay(t.Context(), nameOf("former")) {
			t.Fatal("the relay is not believed")
		}
		former.Release(t.Context())
		pool.Reset()
		if _, err := pool.Exec(t.Context(), "SELECT 1"); err != nil {
			t.Fatal(err)
		}
		if s.isRelay(t.Context(), nameOf("former")) {
			t.Error("the relay is believed although the connections may lead to another primary")
		}
	})
	t.Run("a few times for many unknown tokens", func(t *testing.T) {
		s := source()
		relay, err := takeLease(t.Context(), pool, "relay", time.Now)
		if err != nil {
			t.Fatal(err)
		}
		defer relay.Release(t.Context())
		before := pool.Stat().AcquireCount()
		for i := range 1000 {
			if s.isRelay(t.Context(), fmt.Sprint("unknown ", i)) {
				t.Fatal("an unknown token is believed")
			}
			if !s.isRelay(t.Context(), nameOf("relay")) {
				t.Fatal("the relay is not believed")
			}
		}
		if n := pool.Stat().AcquireCount() - before; n > maxRechecks {
			t.Errorf("asked %d times, want at most %d", n, maxRechecks)
		}
	})
	t.Run("once if it cannot be asked", func(t *testing.T) {
		s := source()
		for range pool.Config().MaxConns {
			conn, err := pool.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Release()
		}
		before := pool.Stat().CanceledAcquireCount()
		for range 3 {
			if s.isRelay(t.Context(), "unknown") {
				t.Fatal("an unknown token is believed")
			}
		}
		if n := pool.Stat().CanceledAcquireCount() - before; n != 1 {
			t.Errorf("waited %d times for a connection, want once", n)
		}
	})
}
