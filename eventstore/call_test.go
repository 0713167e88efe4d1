package eventstore_test

import (
	"testing"
	"time"

	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
)

func TestDeleteCommands(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store, err := eventstore.Open(t.Context(), db.Pool, eventstore.Config{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	_, err = db.Owner.Exec(t.Context(), `
		INSERT INTO command (actor, key, hash, coins, position, events, recorded_at)
		SELECT 'user-1', 'old-' || i, '\x00'::bytea, false, 1, 1, $1::timestamptz - interval '31 days' FROM generate_series(1, 2500) i
		UNION ALL SELECT 'user-1', 'coins', '\x00', true, 1, 1, $1::timestamptz - interval '400 days'
		UNION ALL SELECT 'user-1', 'new', '\x00', false, 1, 1, $1::timestamptz - interval '29 days'`, now)
	if err != nil {
		t.Fatal(err)
	}
	swept, err := store.DeleteCommands(t.Context(), now.Add(-30*24*time.Hour))
	if err != nil || swept != 2500 {
		t.Fatalf("swept %d, %v: want all 2500 old ones", swept, err)
	}
	var left []string
	if err := db.Owner.QueryRow(t.Context(), "SELECT array_agg(key ORDER BY key) FROM command").Scan(&left); err != nil {
		t.Fatal(err)
	}
	if len(left) != 2 || left[0] != "coins" || left[1] != "new" {
		t.Fatalf("left are %v, want the coin command and the new one", left)
	}
}
