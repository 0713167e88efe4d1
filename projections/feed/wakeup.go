package feed

import (
	"context"
	"time"

	"roomlog/internal/wait"
)

// idleInterval is the longest wait for a notification.
const idleInterval = time.Hour

// A wakeup wakes the goroutine that releases deltas. It merges the notifications that arrive while the goroutine is
// busy into one.
type wakeup chan struct{}

func newWakeup() wakeup { return make(wakeup, 1) }

func (w wakeup) notify() {
	select {
	case w <- struct{}{}:
	default:
	}
}

// forward passes on the notifications of a signal until ctx ends.
func forward(ctx context.Context, signal *wait.Signal, wake wakeup) {
	for seen := signal.Count(); ctx.Err() == nil; {
		now := signal.Wait(ctx, seen, idleInterval)
		if now != seen {
			wake.notify()
		}
		seen = now
	}
}
