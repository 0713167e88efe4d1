package feed

import (
	"context"
	"sync"

	"roomlog/eventstore"
)

// releaseLimit is the maximum number of events in one batch.
const releaseLimit = 1000

// pending holds events that were read from the log and not released yet, oldest first.
type pending struct {
	limit int
	wake  wakeup

	mu     sync.Mutex
	events []eventstore.Record
	space  chan struct{} // closed when events are removed
}

func newPending(limit int, wake wakeup) *pending {
	return &pending{limit: limit, wake: wake, space: make(chan struct{})}
}

// add appends events. It blocks while the limit is reached, and drops the events if ctx ends meanwhile.
func (p *pending) add(ctx context.Context, events []eventstore.Record) {
	p.mu.Lock()
	for len(p.events) >= p.limit {
		space := p.space
		p.mu.Unlock()
		select {
		case <-space:
		case <-ctx.Done():
			return
		}
		p.mu.Lock()
	}
	p.events = append(p.events, events...)
	p.mu.Unlock()
	p.wake.notify()
}

// upTo returns the oldest pending events up to position, at most releaseLimit.
func (p *pending) upTo(position int64) []eventstore.Record {
	events := p.oldest()
	n := 0
	for n < len(events) && events[n].Position <= position {
		n++
	}
	return events[:n:n]
}

// oldest returns the oldest pending events, at most releaseLimit.
func (p *pending) oldest() []eventstore.Record {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := min(len(p.events), releaseLimit)
	return p.events[:n:n]
}

func (p *pending) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = nil
}

// newest returns the newest pending event, or the zero Record if there is none.
func (p *pending) newest() eventstore.Record {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.events); n > 0 {
		return p.events[n-1]
	}
	return eventstore.Record{}
}

// drop removes the oldest n events.
func (p *pending) drop(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = p.events[n:]
	if len(p.events) == 0 {
		p.events = nil // frees the memory that a burst of events needed
	}
	close(p.space)
	p.space = make(chan struct{})
}

// size returns the number of events.
func (p *pending) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.events)
}
