package projections

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"roomlog/domain"
)

// gaugeKeeper sends the newest figures of rooms in which something happened: at once after a quiet
// while, else all rooms together once an interval, and always once more after the last change.
type gaugeKeeper struct {
	feed  *Feed
	wake  chan struct{}
	mu    sync.Mutex
	dirty map[domain.LiveID]bool
}

func newGaugeKeeper(f *Feed) *gaugeKeeper {
	return &gaugeKeeper{feed: f, wake: make(chan struct{}, 1), dirty: make(map[domain.LiveID]bool)}
}

// touch marks the rooms whose figures deltas have changed.
func (k *gaugeKeeper) touch(deltas []Delta) {
	k.mu.Lock()
	for _, d := range deltas {
		if d.gauged() {
			k.dirty[d.Live] = true
		}
	}
	some := len(k.dirty) > 0
	k.mu.Unlock()
	if some {
		select {
		case k.wake <- struct{}{}:
		default:
		}
	}
}

// run sends gauges until ctx ends.
func (k *gaugeKeeper) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
		}
		for lives := k.take(); len(lives) > 0; lives = k.take() {
			if err := k.send(ctx, lives); err != nil && ctx.Err() == nil {
				k.feed.c.Log.WarnContext(ctx, "feed: gauges: trying again", slog.Any("err", err))
				k.putBack(lives)
			}
			timer := time.NewTimer(k.feed.c.GaugeInterval)
			select {
			case <-ctx.Done():
			case <-timer.C:
			}
			timer.Stop()
			if ctx.Err() != nil {
				return
			}
		}
	}
}

// take answers the rooms to send, and forgets them.
func (k *gaugeKeeper) take() []domain.LiveID {
	k.mu.Lock()
	defer k.mu.Unlock()
	lives := make([]domain.LiveID, 0, len(k.dirty))
	for live := range k.dirty {
		lives = append(lives, live)
	}
	clear(k.dirty)
	return lives
}

func (k *gaugeKeeper) putBack(lives []domain.LiveID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, live := range lives {
		k.dirty[live] = true
	}
}

// send reads the figures of rooms and publishes them.
func (k *gaugeKeeper) send(ctx context.Context, lives []domain.LiveID) error {
	for len(lives) > 0 {
		n := min(len(lives), maxGauges)
		gauges, err := k.feed.queries.Gauges(ctx, lives[:n])
		if err != nil {
			return err
		}
		if err := k.feed.publish(ctx, Batch{Gauges: gauges}); err != nil {
			return err
		}
		lives = lives[n:]
	}
	return nil
}
