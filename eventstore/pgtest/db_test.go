package pgtest_test

import (
	"testing"

	"roomlog/eventstore/pgtest"
)

func TestNew(t *testing.T) {
	db := pgtest.New(t)
	var user string
	if err := db.Pool.QueryRow(t.Context(), "SELECT current_user").Scan(&user); err != nil || user != "roomlog_serving" {
		t.Fatal(user, err)
	}
	t.Log(db.DSN)
}

func BenchmarkNew(b *testing.B) {
	pgtest.New(b)
	b.ResetTimer()
	for b.Loop() {
		b.Run("x", func(b *testing.B) {
			db := pgtest.New(b)
			if err := db.Pool.Ping(b.Context()); err != nil {
				b.Fatal(err)
			}
		})
	}
}
