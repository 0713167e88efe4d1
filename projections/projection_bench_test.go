package projections_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/consumer"
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
		w.exec("CHECKPOINT")
		plain = append(plain, w.plainly(head))
		w.empty()
		w.exec("CHECKPOINT")
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
	start := time.Now()
	if err := projections.ProjectPlainly(w.Context(), w.store, w.pool, head, consumer.DefaultBatchSize); err != nil {
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
		seen := bell.Count()
		if position, _ := w.checkpoint(); position == head {
			return time.Since(start)
		}
		bell.Wait(w.Context(), seen, time.Second)
	}
}

// BenchmarkFigureReadBatch measures how the first envelope of a consumer group gets slower as the log grows.
func BenchmarkFigureReadBatch(b *testing.B) {
	w := newBenchWorld(b)
	w.exec("INSERT INTO public.checkpoint (consumer_group) VALUES ('bench')")
	grow := func(from, to int) {
		w.exec(`INSERT INTO public.events (position, stream, version, event_id, type, payload, metadata, recorded_at)
			SELECT n, 'username-' || n, 1, gen_random_uuid(), 'username.claimed.v1', '{"key":"0123456789abcdef","user":1}', '{"actor":"anonymous"}', now()
			FROM generate_series($1::bigint, $2::bigint) AS n`, from, to)
		w.exec("VACUUM ANALYZE public.events")
	}
	grow(1, 100_000)
	small := w.readFirst(b)
	grow(100_001, 1_000_000)
	large := w.readFirst(b)
	b.Logf("the first envelope of 100k events takes %.2f ms, of 1M %.2f ms", 1000*small, 1000*large)
	b.ReportMetric(large/small, "read_batch_1m_ratio")
}

// readFirst answers how many seconds it takes to read the first envelope of a log.
func (w *world) readFirst(b *testing.B) float64 {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	again := errors.New("once more")
	var begun time.Time
	var times []time.Duration
	messages, err := consumer.Subscribe(ctx, w.store, consumer.Config{Group: "bench", OnError: func(err error) time.Duration {
		if !errors.Is(err, again) && ctx.Err() == nil {
			b.Error(err)
		}
		begun = time.Now()
		return 0
	}})
	if err != nil {
		b.Fatal(err)
	}
	for m := range messages {
		e, _ := consumer.BatchOf(m)
		e.Handle(m, func(context.Context, pgx.Tx) error {
			if !begun.IsZero() && len(e.Events) == consumer.DefaultBatchSize {
				times = append(times, time.Since(begun))
			}
			return again // the checkpoint stays at the beginning
		})
		if len(times) == 200 {
			cancel()
		}
	}
	return median(times)
}

// BenchmarkFigureLatency measures the way from a command through its append to the handler of a projection, on an
// idle system.
func BenchmarkFigureLatency(b *testing.B) {
	w := newBenchWorld(b)
	c := newCrowd(w, 20, 1)
	handled := make(chan time.Time, 1)
	parts := projections.WithFold("comments", func(domain.CommentPosted) { handled <- time.Now() })
	w.start(w.projector(projections.ProjectorConfig{Projections: parts}).Run)
	w.caughtUp()
	var times []time.Duration
	for i := range 1000 {
		begun := time.Now()
		c.people[i%20].asks(domain.PostComment{Live: c.lives[0], Text: "how fast?"})
		times = append(times, (<-handled).Sub(begun))
		w.caughtUp()
		<-time.After(time.Duration(i%5) * time.Millisecond) // idle, and not in step with anything
	}
	slices.Sort(times)
	ms := func(percent int) float64 { return float64(times[len(times)*percent/100].Microseconds()) / 1000 }
	b.ReportMetric(ms(50), "append_to_handler_p50_ms")
	b.ReportMetric(ms(99), "append_to_handler_p99_ms")
}
