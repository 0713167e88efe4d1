package eventstore

import (
	"context"
	"sync"
	"time"
)

// A Bell tells any number of waiters that there may be something new. Rings are never lost: a
// waiter says which ring it has seen, and does not wait if there was one since.
type Signal struct {
	mu    sync.Mutex
	rings uint64
	next  chan struct{} // closed by the next ring
}

func newBell() *Signal { return &Signal{next: make(chan struct{})} }

// Notify wakes every waiter.
func (b *Signal) Notify() {
	b.mu.Lock()
	b.rings++
	close(b.next)
	b.next = make(chan struct{})
	b.mu.Unlock()
}

// Count answers how often the bell has rung. Take it before looking, and give it to Wait after.
func (b *Signal) Count() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rings
}

// Wait returns when the bell has rung since seen, after most, or when ctx ends; it answers what
// Count would.
func (b *Signal) Wait(ctx context.Context, seen uint64, most time.Duration) uint64 {
	b.mu.Lock()
	rings, next := b.rings, b.next
	b.mu.Unlock()
	if rings != seen {
		return rings
	}
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-next:
	case <-timer.C:
	case <-ctx.Done():
	}
	return b.Count()
}
