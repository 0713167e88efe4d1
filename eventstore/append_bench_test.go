package eventstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func BenchmarkFigureAppend(b *testing.B) {
	for b.Loop() {
		l := newBenchLog(b, 1000)
		l.owner(bareTable)
		comment := l.say("nice cut, where is that knife from?")
		got := medians(b, []contender{
			{"bare, 32 connections", l.bare(32, comment)},
			{"append, 256 callers", l.comments(256)},
			{"append, 32 callers", l.comments(32)},
			{"bare, 1 connection", l.bare(1, comment)},
			{"append, 1 caller", l.comments(1)},
		})
		b.ReportMetric(got["append, 256 callers"]/got["bare, 32 connections"], "append_256_ratio")
		b.ReportMetric(got["append, 32 callers"]/got["bare, 32 connections"], "append_32_ratio")
		b.ReportMetric(got["append, 1 caller"]/got["bare, 1 connection"], "append_1_ratio")
	}
}

// An old snapshot keeps PostgreSQL from cleaning up: whatever is updated for every batch slows down
// under it.
func BenchmarkFigureOldSnapshot(b *testing.B) {
	for b.Loop() {
		l := newBenchLog(b, 1000)
		append256 := []contender{{"append, 256 callers", l.comments(256)}}
		before := medians(b, append256)[append256[0].name]
		old, err := l.db.Owner.BeginTx(context.Background(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := old.Exec(context.Background(), "SELECT count(*) FROM events"); err != nil {
			b.Fatal(err)
		}
		for opened := time.Now(); time.Since(opened) < 60*time.Second; {
			append256[0].rate()
		}
		under := medians(b, append256)[append256[0].name]
		if err := old.Rollback(context.Background()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(under/before, "append_old_snapshot_ratio")
	}
}
