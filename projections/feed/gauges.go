package feed

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"roomlog/domain"
	"roomlog/internal/wait"
	"roomlog/projections"
)

// gaugeSender publishes the newest gauges of lives in which something has changed. After an interval without changes it
// publishes immediately; otherwise it publishes the gauges of all changed lives together, once in each interval. It
// always publishes the gauges after the last change.
type gaugeSender struct {
	c       Config
	now     func() time.Time
	queries *projections.Queries
	out     sink
	wake    wakeup
	timeout atomic.Int64 // nanoseconds for which a relay may send the gauges instead; 0 without a relay

	mu      sync.Mutex
	changed map[domain.LiveID]change
}

// change marks a live whose gauges have changed and were not published yet.
type change struct {
	position int64     // position of the newest delta that has changed the gauges
	since    time.Time // time when the gauges were changed, or when a relay has sent newer ones
}

func newGaugeSender(queries *projections.Queries, out sink, c Config, now func() time.Time) *gaugeSender {
	return &gaugeSender{c: c, now: now, queries: queries, out: out, wake: newWakeup(), changed: make(map[domain.LiveID]change)}
}

// add marks the lives whose gauges deltas have changed.
func (g *gaugeSender) add(deltas []projections.Delta) {
	g.mu.Lock()
	for _, d := range deltas {
		if !d.ChangesGauges() {
			continue
		}
		marked, known := g.changed[d.Live]
		if !known {
			marked.since = g.now()
		}
		marked.position = d.Position
		g.changed[d.Live] = marked
	}
	some := len(g.changed) > 0
	g.mu.Unlock()
	if some {
		g.wake.notify()
	}
}

// received removes the marks of lives whose gauges a relay has sent. A live that has changed since keeps its mark for a while, until
// the relay sends them again.
func (g *gaugeSender) received(gauges []projections.Gauges) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, one := range gauges {
		marked, known := g.changed[one.Live]
		if known && one.Position >= marked.position {
			delete(g.changed, one.Live)
		} else if known {
			marked.since = g.now()
			g.changed[one.Live] = marked
		}
	}
}

// run publishes gauges until ctx ends.
func (g *gaugeSender) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.wake:
		}
		for lives, left := g.take(); len(lives)+left > 0; lives, left = g.take() {
			if err := g.send(ctx, lives); err != nil && ctx.Err() == nil {
				g.c.Log.WarnContext(ctx, "feed: sending gauges failed, retrying", slog.Any("error", err))
				g.restore(lives)
			}
			if !wait.Sleep(ctx, g.c.GaugeInterval) {
				return
			}
		}
	}
}

// take returns the marked lives and clears their marks, except those whose gauges a relay may still send.
func (g *gaugeSender) take() (lives []domain.LiveID, left int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	timeout, now := time.Duration(g.timeout.Load()), g.now()
	for live, marked := range g.changed {
		if now.Sub(marked.since) >= timeout {
			lives = append(lives, live)
			delete(g.changed, live)
		}
	}
	return lives, len(g.changed)
}

// restore marks lives again.
func (g *gaugeSender) restore(lives []domain.LiveID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, live := range lives {
		if _, known := g.changed[live]; !known {
			g.changed[live] = change{since: g.now()}
		}
	}
}

// send reads the gauges of lives and publishes them.
func (g *gaugeSender) send(ctx context.Context, lives []domain.LiveID) error {
	for len(lives) > 0 {
		n := min(len(lives), projections.MaxGauges)
		gauges, err := g.queries.Gauges(ctx, lives[:n])
		if err != nil {
			return err
		}
		if err := g.out.publish(ctx, Batch{Gauges: gauges}); err != nil {
			return err
		}
		lives = lives[n:]
	}
	return nil
}
