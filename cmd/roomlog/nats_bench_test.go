package main_test

import (
	"slices"
	"testing"
	"time"

	"roomlog/eventstore/pgtest"
	"roomlog/internal/natsconn/natstest"
)

// BenchmarkFigureNATSGiftPush measures the time from sending a gift to one server until its push is read from another one that receives
// over NATS. The servers have durable commits and are otherwise idle.
func BenchmarkFigureNATSGiftPush(b *testing.B) {
	for b.Loop() {
		env := append([]string{"DATABASE_URL=" + pgtest.Server(b, pgtest.Durable).DSN(), "ROOMLOG_NATS_URL=" + natstest.Start(b).URL}, sharedSecrets...)
		args := func() []string { return append([]string{"--data", dataDir(b)}, unhurried...) }
		first, second := serve(b, env, args()...), serve(b, env, args()...)
		first.receives(true)
		second.receives(true)
		first.roomlog("gift", "add", "--name", "Rose", "--coin", "1")
		live := join(b, first, "streamer").open("x")
		giver := join(b, first, "giver")
		giver.topUp(100, 1)
		sender, watcher := giver.connect(""), join(b, second, "watcher").connect("")
		enter(b, sender, live, "")
		enter(b, watcher, live, "")
		newest := int64(0)
		one := func() time.Duration {
			start := time.Now()
			reply, err := sender.send("gift.send", map[string]any{"live": live, "gift": 1, "num": 1}, "")
			if err != nil {
				b.Fatal(err)
			}
			newest = watcher.await("the gift", func(f frame) bool { return f.Type == "gift" && f.Pos > newest }).Pos
			took := time.Since(start)
			<-reply
			<-time.After(100 * time.Millisecond) // waits until the servers are idle and no push window is open
			return took
		}
		for range 20 {
			one()
		}
		took := make([]time.Duration, 200)
		for i := range took {
			took[i] = one()
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "nats_gift_push_p99_ms")
	}
}
