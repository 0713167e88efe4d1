package chat

import (
	"context"
	"sync"

	"roomlog/projections"
)

// inbox is what the chat is still to tell. A chat that is told slowly, connection by connection, holds up nobody
// but itself: lives are told beside it.
type inbox struct {
	wake chan struct{}

	mu      sync.Mutex
	deltas  []projections.Delta
	busy    bool          // some are being told
	upTo    int64         // everything up to here is among them, or has been told
	told    int64         // everything up to here has been told
	moved   chan struct{} // closed when told moves and somebody awaits it
	awaited bool
}

func newInbox() *inbox {
	return &inbox{wake: make(chan struct{}, 1), moved: make(chan struct{})}
}

// add takes what happened up to a position. It does not wait.
func (i *inbox) add(upTo int64, deltas ...projections.Delta) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.deltas, i.upTo = append(i.deltas, deltas...), max(i.upTo, upTo)
	if len(i.deltas) == 0 && !i.busy {
		i.reached(i.upTo)
		return
	}
	select {
	case i.wake <- struct{}{}:
	default:
	}
}

// clear forgets what was not told: something is missing behind it.
func (i *inbox) clear() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.deltas = nil
}

// run has everything told until ctx ends.
func (i *inbox) run(ctx context.Context, tell func(projections.Delta)) error {
	for {
		i.mu.Lock()
		deltas, upTo := i.deltas, i.upTo
		i.deltas, i.busy = nil, true
		i.mu.Unlock()
		for _, d := range deltas {
			tell(d)
		}
		i.mu.Lock()
		i.busy = false
		i.reached(upTo)
		i.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil
		case <-i.wake:
		}
	}
}

// reached says that everything up to a position has been told, and wakes whoever waits for it.
func (i *inbox) reached(position int64) {
	i.told = max(i.told, position)
	if i.awaited {
		close(i.moved)
		i.moved, i.awaited = make(chan struct{}), false
	}
}

// await waits until everything up to a position has been told; it answers false if ctx ends first.
func (i *inbox) await(ctx context.Context, position int64) bool {
	for {
		i.mu.Lock()
		reached, moved := i.told >= position, i.moved
		i.awaited = i.awaited || !reached
		i.mu.Unlock()
		if reached {
			return true
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return false
		}
	}
}
