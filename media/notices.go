package media

import (
	"context"
	"sync"
)

const (
	maxNotices   = 4096 // of players and connections that wait to be told
	maxPublishes = 8192 // of anything, before nobody may publish any more
)

// notices is a queue between what happens and who is told of it.
type notices struct {
	mu    sync.Mutex
	queue []func(context.Context)
	lost  uint64
	more  chan struct{}
}

func newNotices() *notices { return &notices{more: make(chan struct{}, 1)} }

// must queues a notice that may not be lost.
func (n *notices) must(tell func(context.Context)) {
	n.mu.Lock()
	n.queue = append(n.queue, tell)
	n.mu.Unlock()
	select {
	case n.more <- struct{}{}:
	default:
	}
}

// may queues a notice if there is room, and says whether it did.
func (n *notices) may(tell func(context.Context)) bool {
	n.mu.Lock()
	full := len(n.queue) >= maxNotices
	if full {
		n.lost++
	}
	n.mu.Unlock()
	if !full {
		n.must(tell)
	}
	return !full
}

// behind says that those who are told are so far behind that no show may begin.
func (n *notices) behind() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.queue) >= maxPublishes
}

// waiting says whether something is to be told.
func (n *notices) waiting() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.queue) > 0
}

// tell tells what is queued, in order, until ctx ends.
func (n *notices) tell(ctx context.Context) {
	for tell := n.take(); tell != nil; tell = n.take() {
		if tell(ctx); ctx.Err() != nil {
			return
		}
	}
}

// take takes the next notice, nil if there is none.
func (n *notices) take() func(context.Context) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.queue) == 0 {
		n.queue = nil
		return nil
	}
	next := n.queue[0]
	n.queue[0], n.queue = nil, n.queue[1:]
	return next
}
