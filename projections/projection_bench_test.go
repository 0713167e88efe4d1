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
	"roomlog/projections/projtest"
	"roomlog/projections/rebuild"
)

// rounds is the number of times that each side of a ratio is measured. The result is the median.
const rounds = 5

// benchEvents is the number of events that are projected.
const benchEvents = 100_000

// newBenchWorld returns a log on a PostgreSQL server that waits until commits are on disk.
func newBenchWorld(b *testing.B) *projtest.World {
	b.Helper()
	return projtest.Open(b, pgtest.Server(b, pgtest.Durable).Open(), eventstore.Config{}, "first")
}

func median(times []time.Duration) float64 {
	slices.Sort(times)
	return times[len(times)/2].Seconds()
}

func BenchmarkFigureProjection(b *testing.B) {
	w := newBenchWorld(b)
	c := projtest.NewTraffic(w, 1000, 20)
	for w.Head() < benchEvents {
		c.Act(256, 10_000)
	}
	head := w.Head()
	var plain, live, rebuilt []time.Duration
	for range rounds {
		w.Empty()
		w.Exec("CHECKPOINT")
		plain = append(plain, projectDirectly(w, head))
		w.Empty()
		w.Exec("CHECKPOINT")
		live = append(live, lively(w, head))
		start := time.Now()
		if _, err := rebuild.Run(b.Context(), w.OwnerPool(), w.Store, rebuild.Config{Now: time.Now}); err != nil {
			b.Fatal(err)
		}
		rebuilt = append(rebuilt, time.Since(start))
	}
	b.Logf("%d events: plain %.0f/s, watermill %.0f/s, rebuild %.0f/s", head,
		float64(head)/median(plain), float64(head)/median(live), float64(head)/median(rebuilt))
	b.ReportMetric(median(plain)/median(live), "watermill_projection_ratio")
	b.ReportMetric(median(live)/median(rebuilt), "rebuild_ratio")
}

// projectDirectly projects the log without the consumer and returns the time that this took.
func projectDirectly(w *projtest.World, head int64) time.Duration {
	w.Helper()
	start := time.Now()
	if err := projections.ProjectPlainly(w.Context(), w.Store, w.Pool, head, consumer.DefaultBatchSize); err != nil {
		w.Fatal(err)
	}
	return time.Since(start)
}

// lively projects the log with a projector and returns how long this took.
func lively(w *projtest.World, head int64) time.Duration {
	w.Helper()
	start := time.Now()
	defer w.Project()()
	projected := w.Store.Projected()
	for {
		seen := projected.Count()
		if w.Checkpoint().Position == head {
			return time.Since(start)
		}
		projected.Wait(w.Context(), seen, time.Second)
	}
}

// BenchmarkFigureReadBatch measures how much the first batch of a consumer group slows down as the log grows.
func BenchmarkFigureReadBatch(b *testing.B) {
	w := newBenchWorld(b)
	w.Exec("INSERT INTO public.checkpoint (consumer_group) VALUES ('bench')")
	grow := func(from, to int) {
		w.Exec(`INSERT INTO public.events (position, stream, version, event_id, type, payload, metadata, recorded_at)
			SELECT n, 'username-' || n, 1, gen_random_uuid(), 'username.claimed.v1', '{"key":"0123456789abcdef","user":1}', '{"actor":"anonymous"}', now()
			FROM generate_series($1::bigint, $2::bigint) AS n`, from, to)
		w.Exec("VACUUM ANALYZE public.events")
	}
	grow(1, 100_000)
	small := readFirst(w, b)
	grow(100_001, 1_000_000)
	large := readFirst(w, b)
	b.Logf("the first batch of 100k events takes %.2f ms, of 1M %.2f ms", 1000*small, 1000*large)
	b.ReportMetric(large/small, "read_batch_1m_ratio")
}

// readFirst returns the median time of reading the first batch of a log, in seconds.
func readFirst(w *projtest.World, b *testing.B) float64 {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	again := errors.New("once more")
	var begun time.Time
	var times []time.Duration
	messages, err := consumer.Subscribe(ctx, w.Store, consumer.Config{Group: "bench", OnError: func(err error) time.Duration {
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
			return again // the checkpoint remains at the beginning
		})
		if len(times) == 200 {
			cancel()
		}
	}
	return median(times)
}

// BenchmarkFigureLatency measures the time from a command until a projection handles its event, on an idle system.
func BenchmarkFigureLatency(b *testing.B) {
	w := newBenchWorld(b)
	c := projtest.NewTraffic(w, 20, 1)
	handled := make(chan time.Time, 1)
	parts := projtest.WithFold("comments", func(domain.CommentPosted) { handled <- time.Now() })
	w.Start(w.Projector(projections.ProjectorConfig{Projections: parts}).Run)
	w.CatchUp()
	var times []time.Duration
	for i := range 1000 {
		begun := time.Now()
		c.Users[i%20].Send(domain.PostComment{Live: c.Lives[0], Text: "how fast?"})
		times = append(times, (<-handled).Sub(begun))
		w.CatchUp()
		<-time.After(time.Duration(i%5) * time.Millisecond) // idles for varying times
	}
	slices.Sort(times)
	ms := func(percent int) float64 { return float64(times[len(times)*percent/100].Microseconds()) / 1000 }
	b.ReportMetric(ms(50), "append_to_handler_p50_ms")
	b.ReportMetric(ms(99), "append_to_handler_p99_ms")
}
