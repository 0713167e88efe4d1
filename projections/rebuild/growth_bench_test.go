package rebuild_test

import (
	"context"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/projections/projtest"
	"roomlog/projections/rebuild"
)

const (
	fewEvents  = 100_000
	manyEvents = 10 * fewEvents
)

// cost is the time and the memory that a run needs.
type cost struct {
	events int64
	took   time.Duration
	heap   uint64 // maximum memory in use in bytes, without the memory in use before the run
}

// growth returns the time of larger, a run on ten times the events, divided by the time of c.
func (c cost) growth(larger cost) float64 {
	perEvent := func(c cost) float64 { return c.took.Seconds() / float64(c.events) }
	return 10 * perEvent(larger) / perEvent(c)
}

// BenchmarkFigureGrowth measures how the costs of a verification and of a rebuild grow with the log. Ten times as many
// events should need about ten times the time, and no more memory.
func BenchmarkFigureGrowth(b *testing.B) {
	w := projtest.Open(b, pgtest.Server(b, pgtest.Durable).Open(), eventstore.Config{}, "first")
	c := projtest.NewTraffic(w, 500, 20)
	owner := w.OwnerPool()
	w.Project()
	verify := func() error {
		report, err := rebuild.Verify(b.Context(), w.Store, owner, rebuild.VerifyConfig{Now: time.Now})
		if report.FaultCount > 0 {
			b.Fatal(report.Faults)
		}
		return err
	}
	again := func() error {
		_, err := rebuild.Run(b.Context(), owner, w.Store, rebuild.Config{Now: time.Now})
		return err
	}
	var verified, rebuilt [2]cost
	for i, events := range []int64{fewEvents, manyEvents} {
		for w.Head() < events {
			c.Act(256, int(events-w.Head())+256)
		}
		w.CatchUp()
		w.Exec("VACUUM ANALYZE")
		w.Exec("CHECKPOINT")
		verified[i], rebuilt[i] = measure(b, verify), measure(b, again)
		verified[i].events, rebuilt[i].events = w.Head(), w.Head()
		b.Logf("%d events: verify %s, %d MB; rebuild %s, %d MB", w.Head(), verified[i].took.Round(time.Millisecond), verified[i].heap>>20,
			rebuilt[i].took.Round(time.Millisecond), rebuilt[i].heap>>20)
	}
	b.ReportMetric(verified[1].took.Seconds(), "verify_1m_seconds")
	b.ReportMetric(float64(verified[1].heap)/(1<<20), "verify_1m_mib")
	b.ReportMetric(verified[0].growth(verified[1]), "verify_growth")
	b.ReportMetric(rebuilt[0].growth(rebuilt[1]), "rebuild_growth")
	b.ReportMetric(float64(verified[1].heap)/float64(verified[0].heap), "verify_memory_growth")
	b.ReportMetric(float64(rebuilt[1].heap)/float64(rebuilt[0].heap), "rebuild_memory_growth")
}

// measure runs run twice and returns the lower cost, which other processes have disturbed less.
func measure(b *testing.B, run func() error) (least cost) {
	b.Helper()
	for i := range 2 {
		runtime.GC()
		before := liveHeap()
		var largest uint64
		ctx, stop := context.WithCancel(b.Context())
		sampled := make(chan struct{})
		go func() {
			defer close(sampled)
			tick := time.NewTicker(2 * time.Millisecond)
			defer tick.Stop()
			for ctx.Err() == nil {
				largest = max(largest, liveHeap())
				<-tick.C
			}
		}()
		begun := time.Now()
		if err := run(); err != nil {
			b.Fatal(err)
		}
		took := time.Since(begun)
		stop()
		<-sampled
		heap := largest - min(before, largest)
		if i == 0 {
			least = cost{took: took, heap: heap}
		}
		least.took, least.heap = min(least.took, took), min(least.heap, heap)
	}
	return least
}

// liveHeap returns the number of bytes that the newest garbage collection has found to be in use.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
