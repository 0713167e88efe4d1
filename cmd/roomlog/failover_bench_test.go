package main_test

import (
	"fmt"
	"testing"
	"time"

	"roomlog/eventstore/pgtest"
	"roomlog/eventstore/pgtest/failover"
)

// BenchmarkFigurePromotion promotes a standby that was held back, while a user posts comments. It measures the time
// from the end of the promotion until a viewer's open connection receives the first push of the new history.
func BenchmarkFigurePromotion(b *testing.B) {
	d := failover.Start(b, pgtest.Durable)
	at := serve(b, append([]string{"DATABASE_URL=" + d.DSN()}, sharedSecrets...), append([]string{"--data", dataDir(b), "--comment-rate", "100000", "--comment-burst", "100000"}, unhurried...)...)
	anna := join(b, at, "anna")
	live := anna.open("a show that is older than the faults")
	for b.Loop() {
		standby := d.Standby()
		standby.HoldBack()
		viewer, writer := anna.connect(""), anna.connect("")
		enter(b, viewer, live, "")
		writer.must("comment.post", map[string]any{"live": live, "text": "lost"}, "")
		viewer.await("the comment", func(f frame) bool { return f.Type == "comment" })
		d.Promote(standby)
		promoted := time.Now()
		go func() { // reads until the connection ends
			for n := 0; writer.alive(); n++ {
				_, _ = writer.askFor(replyTimeout, "comment.post", map[string]any{"live": live, "text": fmt.Sprint("comment ", n)}, "")
			}
		}()
		viewer.await("the first push of the new history", func(f frame) bool { return f.Type == "reset" || f.Type == "snapshot" })
		b.ReportMetric(time.Since(promoted).Seconds(), "promotion_push_seconds")
		viewer.cut()
		writer.cut()
	}
}
