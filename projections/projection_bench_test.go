package projections_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/projections"
)

// rounds is how often each side of a ratio is measured; the median counts.
const rounds = 5

// benchEvents is how long the log is that projecting is measured with.
const benchEvents = 100_000

// newBenchWorld is a log on a PostgreSQL that waits for its disk.
func newBenchWorld(b *testing.B) *world {
	b.Helper()
	return openWorld(b, pgtest.Server(b, pgtest.Durable).Open(), eventstore.Config{}, "first")
}

func median(times []time.Duration) float64 {
	slices.Sort(times)
	return times[len(times)/2].Seconds()
}

// empty makes the tables as they were before the first event.
func (w *world) empty() {
	for _, table := range tables {
		w.exec("TRUNCATE read." + table)
	}
	w.exec("INSERT INTO public.checkpoint (consumer_group) VALUES ('projections') ON CONFLICT (consumer_group) DO UPDATE SET position = 0")
	w.exec("VACUUM public.checkpoint")
	w.exec("CHECKPOINT")
}

func BenchmarkFigureProjection(b *testing.B) {
	w := newBenchWorld(b)
	c := newCrowd(w, 1000, 20)
	for w.head() < benchEvents {
		c.act(256, 10_000)
	}
	head := w.head()
	var plain, live, rebuilt []time.Duration
	for range rounds {
		w.empty()
		plain = append(plain, w.plainly(head))
		w.empty()
		live = append(live, w.lively(head))
		start := time.Now()
		if _, err := projections.Rebuild(b.Context(), w.owner(), w.store, projections.RebuildConfig{Now: time.Now}); err != nil {
			b.Fatal(err)
		}
		rebuilt = append(rebuilt, time.Since(start))
	}
	b.Logf("%d events: plain %.0f/s, watermill %.0f/s, rebuild %.0f/s", head,
		float64(head)/median(plain), float64(head)/median(live), float64(head)/median(rebuilt))
	b.ReportMetric(median(plain)/median(live), "watermill_projection_ratio")
	b.ReportMetric(median(live)/median(rebuilt), "rebuild_ratio")
}

// plainly projects the log without watermill.
func (w *world) plainly(head int64) time.Duration {
	w.Helper()
	conn, err := pgx.ConnectConfig(w.Context(), w.pool.Config().ConnConfig)
	if err != nil {
		w.Fatal(err)
	}
	defer conn.Close(context.Background())
	start := time.Now()
	if err := projections.ProjectPlainly(w.Context(), w.store, conn, head); err != nil {
		w.Fatal(err)
	}
	return time.Since(start)
}

// lively runs the projector until it has the log.
func (w *world) lively(head int64) time.Duration {
	w.Helper()
	start := time.Now()
	defer w.project()()
	bell := w.store.Projected()
	for {
		seen := bell.Seen()
		if position, _ := w.checkpoint(); position == head {
			return time.Since(start)
		}
		bell.Wait(w.Context(), seen, time.Second)
	}
}
