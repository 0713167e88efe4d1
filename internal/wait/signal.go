package wait

import (
	"context"
	"sync"
	"time"
)

// Signal wakes any number of waiters when something may have changed. No notification is lost: Wait returns
// immediately if there was a notification after the count that its caller passes. It is safe for concurrent use.
type Signal struct {
	mu    sync.Mutex
	count uint64
	next  chan struct{} // closed by the next call of Notify
}

// NewSignal returns a Signal with a count of 0.
func NewSignal() *Signal { return &Signal{next: make(chan struct{})} }

// Notify increments the count and wakes every waiter.
func (s *Signal) Notify() {
	s.mu.Lock()
	s.count++
	close(s.next)
	s.next = make(chan struct{})
	s.mu.Unlock()
}

// Count returns the number of notifications. Call it before you check for changes, and pass the result to Wait
// afterwards.
func (s *Signal) Count() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// Wait blocks until the count is greater than seen, timeout has passed or ctx ends. It returns the new count.
func (s *Signal) Wait(ctx context.Context, seen uint64, timeout time.Duration) uint64 {
	s.mu.Lock()
	count, next := s.count, s.next
	s.mu.Unlock()
	if count != seen {
		return count
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-next:
	case <-timer.C:
	case <-ctx.Done():
	}
	return s.Count()
}
