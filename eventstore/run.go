package eventstore

import (
	"context"
	"runtime"
	"time"
)

// smallBatch is how many requests make a commit worth its cost.
const smallBatch = 64

// Run executes requests until ctx ends. It then accepts no more requests, executes those that wait and returns nil.
func (q *Sequencer) Run(ctx context.Context) error {
	work, cut := context.WithCancel(context.WithoutCancel(ctx)) // a shutdown interrupts a transaction only after DrainTimeout
	defer cut()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(q.config.DrainTimeout, cut) })()
	defer q.disconnect()
	for {
		select {
		case c := <-q.queue:
			q.flush(work, q.gather(c))
		case <-ctx.Done():
			q.drain(work)
			return nil
		}
	}
}

// drain closes the queue and executes the requests in it.
func (q *Sequencer) drain(ctx context.Context) {
	q.mu.Lock()
	q.closing = true
	q.mu.Unlock()
	for {
		select {
		case c := <-q.queue:
			q.flush(ctx, q.gather(c))
		default:
			return
		}
	}
}

// gather takes the requests that wait behind first, without waiting for more. Callers that have just got their results may be
// about to send their next request: while the batch is small, and as long as requests arrive, they get the processor first.
func (q *Sequencer) gather(first *call) []*call {
	for n := -1; n < len(q.queue) && n < smallBatch; runtime.Gosched() {
		n = len(q.queue)
	}
	calls := append(make([]*call, 0, 1+len(q.queue)), first)
	for len(calls) < q.config.BatchSize {
		select {
		case c := <-q.queue:
			calls = append(calls, c)
		default:
			return calls
		}
	}
	return calls
}
