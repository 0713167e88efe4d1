package feed

import (
	"context"
	"log/slog"
	"sync"

	"roomlog/domain"
	"roomlog/internal/wait"
	"roomlog/projections"
)

// gaugeSender publishes the newest gauges of lives in which something has changed. After an interval without changes it
// publishes immediately; otherwise it publishes the gauges of all changed lives together, once in each interval. It
// always publishes the gauges after the last change.
type gaugeSender struct {
	c       Config
	queries *projections.Queries
	out     *publisher
	wake    wakeup

	mu      sync.Mutex
	changed map[domain.LiveID]bool
}

func newGaugeSender(queries *projections.Queries, out *publisher, c Config) *gaugeSender {
	return &gaugeSender{c: c, queries: queries, out: out, wake: newWakeup(), changed: make(map[domain.LiveID]bool)}
}

// add marks the lives whose gauges deltas have changed.
func (g *gaugeSender) add(deltas []projections.Delta) {
	g.mu.Lock()
	for _, d := range deltas {
		if d.ChangesGauges() {
			g.changed[d.Live] = true
		}
	}
	some := len(g.changed) > 0
	g.mu.Unlock()
	if some {
		g.wake.notify()
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
		for lives := g.take(); len(lives) > 0; lives = g.take() {
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

// take returns the marked lives and clears the marks.
func (g *gaugeSender) take() []domain.LiveID {
	g.mu.Lock()
	defer g.mu.Unlock()
	lives := make([]domain.LiveID, 0, len(g.changed))
	for live := range g.changed {
		lives = append(lives, live)
	}
	clear(g.changed)
	return lives
}

// restore marks lives again whose gauges could not be sent.
func (g *gaugeSender) restore(lives []domain.LiveID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, live := range lives {
		g.changed[live] = true
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
