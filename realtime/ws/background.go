package ws

import (
	"context"
	"sync"
)

// backgroundWorkers is the number of functions that a background runs at the same time.
const backgroundWorkers = 4

// background runs functions in the goroutines of Server.Run. The functions must not wait for a client or for a lock
// that is held during a request.
type background struct {
	mu    sync.Mutex
	queue []func()
	work  chan struct{} // wakes a worker
}

func newBackground() *background {
	return &background{work: make(chan struct{}, backgroundWorkers)}
}

// add queues a function. It does not block.
func (b *background) add(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue = append(b.queue, f)
	select {
	case b.work <- struct{}{}:
	default: // enough workers are waking up; each works until the queue is empty
	}
}

func (b *background) next() func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		b.queue = nil
		return nil
	}
	f := b.queue[0]
	b.queue = b.queue[1:]
	return f
}

// run runs functions until ctx ends.
func (b *background) run(ctx context.Context) {
	var workers sync.WaitGroup
	for range backgroundWorkers {
		workers.Go(func() {
			for ctx.Err() == nil {
				if f := b.next(); f != nil {
					f()
					continue
				}
				select {
				case <-b.work:
				case <-ctx.Done():
				}
			}
		})
	}
	workers.Wait()
}
