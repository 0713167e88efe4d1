package eventstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const remark = "nice cut, where is that knife from?"

// What is appended are comments: the most frequent of all events, and their texts have to be sealed.
func BenchmarkFigureAppend(b *testing.B) {
	for b.Loop() {
		l := newBenchLog(b, 1000)
		l.owner(bareTable)
		got := inTurns(b,
			contender{"bare, 32 connections", l.bare(32, l.say(remark))},
			contender{"append, 256 callers", l.comments(256)},
			contender{"append, 32 callers", l.comments(32)},
			contender{"bare, 1 connection", l.bare(1, l.say(remark))},
			contender{"append, 1 caller", l.comments(1)},
		)
		b.ReportMetric(got.ratio("append, 256 callers", "bare, 32 connections"), "append_256_ratio")
		b.ReportMetric(got.ratio("append, 32 callers", "bare, 32 connections"), "append_32_ratio")
		b.ReportMetric(got.ratio("append, 1 caller", "bare, 1 connection"), "append_1_ratio")
	}
}

// An old snapshot keeps PostgreSQL from cleaning up: whatever is updated for every batch slows down
// under it. Plain inserts do not; appending is measured against them before and under it, so that the
// machine's mood does not count.
func BenchmarkFigureOldSnapshot(b *testing.B) {
	for b.Loop() {
		l := newBenchLog(b, 1000)
		l.owner(bareTable)
		bare, appended := contender{"bare, 32 connections", l.bare(32, l.say(remark))}, contender{"append, 256 callers", l.comments(256)}
		before := inTurns(b, bare, appended).ratio(appended.name, bare.name)
		old, err := l.db.Owner.BeginTx(context.Background(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := old.Exec(context.Background(), "SELECT count(*) FROM events"); err != nil {
			b.Fatal(err)
		}
		for opened := time.Now(); time.Since(opened) < 60*time.Second; {
			appended.rate()
		}
		under := inTurns(b, bare, appended).ratio(appended.name, bare.name)
		if err := old.Rollback(context.Background()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(under/before, "append_old_snapshot_ratio")
	}
}
