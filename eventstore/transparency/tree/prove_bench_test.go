package tree_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/eventstore/transparency/tree"
	"roomlog/projections/projtest"
)

// BenchmarkFigureProof measures the time to prove that a log of a million events contains one of them: state of the tree,
// event, tiles and check.
func BenchmarkFigureProof(b *testing.B) {
	const (
		events = 1_000_000
		proofs = 2000
	)
	w := projtest.Open(b, pgtest.Server(b, pgtest.Durable).Open(), eventstore.Config{}, "first")
	c := projtest.NewTraffic(w, 500, 20)
	for w.Head() < events {
		c.Act(256, int(events-w.Head())+256)
	}
	w.GrowTree()
	w.Exec("VACUUM ANALYZE")
	random := rand.New(rand.NewPCG(1, 7))
	var took []time.Duration
	for b.Loop() { // runs once
		for range proofs {
			position := 1 + random.Int64N(w.Head())
			begun := time.Now()
			if _, err := tree.ProveLatest(b.Context(), w.Pool, position); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(begun))
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "inclusion_proof_p99_ms")
}
