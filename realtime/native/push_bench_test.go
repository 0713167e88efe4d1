package native_test

import (
	"slices"
	"testing"
	"time"

	"roomlog/eventstore/pgtest"
	"roomlog/realtime/ws"
)

// BenchmarkFigureGiftPush measures the time from sending a gift until its push is read on another connection. It sends
// one gift after another to a server with durable commits that is otherwise idle.
func BenchmarkFigureGiftPush(b *testing.B) {
	for b.Loop() {
		w := openWorld(b, pgtest.Server(b, pgtest.Durable).Open(), true, func(c *config) {
			c.Sockets = ws.Config{} // with the settings of roomlog serve
		})
		rose := w.AddGift("rose", "", 1)
		streamer, giver := w.register("streamer"), w.register("giver").credit(1e6)
		live := streamer.goLive("x")
		watcher, sender := streamer.app(), giver.app()
		watcher.join(live)
		sender.join(live)
		gift := map[string]any{"live": live, "gift": rose, "num": 1}
		one := func() time.Duration {
			start := time.Now()
			id := sender.ask("gift.send", gift)
			watcher.push("gift")
			took := time.Since(start)
			sender.ok(id)
			sender.ask("ack", map[string]any{"cursor": "0"})
			sender.aside = nil
			<-time.After(100 * time.Millisecond) // waits until the server is idle and no push window is open
			return took
		}
		for range 20 {
			one()
		}
		took := make([]time.Duration, 300)
		for i := range took {
			took[i] = one()
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "gift_push_p50_ms")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "gift_push_p99_ms")
	}
}
