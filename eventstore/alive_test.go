package eventstore_test

import (
	"context"
	"testing"
	"time"

	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
)

func TestAProcessIsAliveWhileItBeats(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	pool, err := eventstore.OpenPool(t.Context(), db.DSN, eventstore.PoolOptions{Serving: db.Serving, MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	store, err := eventstore.Open(t.Context(), pool, eventstore.Config{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, die := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- store.Beat(ctx, "p1") }()
	until := func(want bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); ; {
			alive, err := store.Alive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if alive("p2") {
				t.Fatal("a process that there is not is alive")
			}
			if alive("p1") == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("alive is not %v", want)
			}
		}
	}
	until(true)
	if _, err := db.Owner.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'roomlog heartbeat'"); err != nil {
		t.Fatal(err)
	}
	until(false)
	until(true) // it takes the lock again
	die()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	until(false)
}

func TestTheDatabaseEndsASilentHeartbeat(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	pool, err := eventstore.OpenPool(t.Context(), db.DSN, eventstore.PoolOptions{Serving: db.Serving, MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	store, err := eventstore.Open(t.Context(), pool, eventstore.Config{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := store.ConnectToBeat(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var silence string
	if err := conn.QueryRow(t.Context(), "SHOW idle_session_timeout").Scan(&silence); err != nil || silence != "10s" {
		t.Errorf("the database ends a silent heartbeat after %q: %v", silence, err)
	}
}
