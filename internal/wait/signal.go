package wait

import (
	"context"
	"sync"
	"time"
)

// Signal wakes any number of waiters when there may be something new. No notification is lost: Wait returns at once when
// there was one since the count that its caller has seen. It is safe for concurrent use.
type Signal struct {
	mu    sync.Mutex
	count uint64
	next  chan struct{} // closed by the next notification
}

// NewSignal returns a signal without a notification.
func NewSignal() *Signal { return &Signal{next: make(chan struct{})} }

// Notify wakes every waiter.
func (s *Signal) Notify() {
	s.mu.Lock()
	s.count++
	close(s.next)
	s.next = make(chan struct{})
	s.mu.Unlock()
}

// Count returns the number of notifications. Call it before looking for something new, and pass it to Wait afterwards.
func (s *Signal) Count() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// Wait blocks until there was a notification after seen, until timeout has passed or until ctx ends. It returns the new
// count.
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
