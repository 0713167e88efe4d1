package ledger_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/projections/ledger"
	"roomlog/projections/projtest"
)

// BenchmarkFigureStatement measures the time to read a statement of a wallet as of a random position of a log of a million
// events: opening and closing balance, and a page of postings.
func BenchmarkFigureStatement(b *testing.B) {
	const (
		events     = 1_000_000
		statements = 500
	)
	w := projtest.Open(b, pgtest.Server(b, pgtest.Durable).Open(), eventstore.Config{}, "first")
	c := projtest.NewTraffic(w, 500, 20)
	w.Project()
	for w.Head() < events {
		c.Act(256, int(events-w.Head())+256)
	}
	w.CatchUp()
	w.Exec("VACUUM ANALYZE")
	random := rand.New(rand.NewPCG(1, 7))
	var took []time.Duration
	for b.Loop() { // runs once
		for range statements {
			position := 1 + random.Int64N(w.Head())
			account := domain.WalletAccount(c.Users[random.IntN(len(c.Users))].ID)
			begun := time.Now()
			err := ledger.Snapshot(b.Context(), w.Pool, func(l *ledger.Ledger) error {
				_, err := l.Statement(b.Context(), account, ledger.Range{UpTo: position, NewestFirst: true, Limit: 50})
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(begun))
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "statement_at_p99_ms")
}
