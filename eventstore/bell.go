package eventstore

import (
	"context"
	"sync"
	"time"
)

// A Bell tells any number of waiters that there may be something new. Rings are never lost: a
// waiter says which ring it has seen, and does not wait if there was one since.
type Bell struct {
	mu    sync.Mutex
	rings uint64
	next  chan struct{} // closed by the next ring
}

func newBell() *Bell { return &Bell{next: make(chan struct{})} }

// Ring wakes every waiter.
func (b *Bell) Ring() {
	b.mu.Lock()
	b.rings++
	close(b.next)
	b.next = make(chan struct{})
	b.mu.Unlock()
}

// Seen answers how often the bell has rung. Take it before looking, and give it to Wait after.
func (b *Bell) Seen() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rings
}

// Wait returns when the bell has rung since seen, after most, or when ctx ends; it answers what
// Seen would.
func (b *Bell) Wait(ctx context.Context, seen uint64, most time.Duration) uint64 {
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
	return b.Seen()
}
