package chat

import (
	"context"
	"sync"

	"roomlog/projections"
)

// inbox is the queue of deltas between the hub and the chat. It keeps a chat that delivers slowly from delaying the
// hub.
type inbox struct {
	wake chan struct{}

	mu       sync.Mutex
	deltas   []projections.Delta
	busy     bool          // whether deltas are being applied now
	queued   int64         // position up to which every delta is in the queue or was applied
	applied  int64         // position up to which every delta was applied
	advanced chan struct{} // closed when applied increases while awaited is set
	awaited  bool
}

func newInbox() *inbox {
	return &inbox{wake: make(chan struct{}, 1), advanced: make(chan struct{})}
}

// add queues the next deltas. With them, every delta up to position has been queued. It does not block.
func (i *inbox) add(position int64, deltas ...projections.Delta) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.deltas, i.queued = append(i.deltas, deltas...), max(i.queued, position)
	if len(i.deltas) == 0 && !i.busy {
		i.advance(i.queued)
		return
	}
	select {
	case i.wake <- struct{}{}:
	default:
	}
}

// clear discards the queue and blocks until no delta is being applied. Afterwards nothing counts as applied until
// startFrom is called.
func (i *inbox) clear() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.deltas = nil
	for i.busy {
		advanced := i.advanced
		i.awaited = true
		i.mu.Unlock()
		<-advanced
		i.mu.Lock()
	}
	i.queued, i.applied = 0, 0
}

// startFrom records that every delta up to position was applied, and no later delta.
func (i *inbox) startFrom(position int64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.queued, i.applied = position, position
	i.advance(position)
}

// run calls apply with every delta until ctx ends.
func (i *inbox) run(ctx context.Context, apply func(projections.Delta)) error {
	for {
		i.mu.Lock()
		deltas, queued := i.deltas, i.queued
		i.deltas, i.busy = nil, true
		i.mu.Unlock()
		for _, d := range deltas {
			apply(d)
		}
		i.mu.Lock()
		i.busy = false
		i.advance(queued)
		i.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil
		case <-i.wake:
		}
	}
}

// advance records that every delta up to position was applied, and wakes the callers of await.
func (i *inbox) advance(position int64) {
	i.applied = max(i.applied, position)
	if i.awaited {
		close(i.advanced)
		i.advanced, i.awaited = make(chan struct{}), false
	}
}

// await blocks until every delta up to position was applied. It reports false if ctx ends first.
func (i *inbox) await(ctx context.Context, position int64) bool {
	for {
		i.mu.Lock()
		reached, advanced := i.applied >= position, i.advanced
		i.awaited = i.awaited || !reached
		i.mu.Unlock()
		if reached {
			return true
		}
		select {
		case <-advanced:
		case <-ctx.Done():
			return false
		}
	}
}
