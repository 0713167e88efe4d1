package eventstore

import (
	"context"
	"runtime"
	"time"
)

// smallBatch is the number of waiting requests above which gather does not let callers queue more.
const smallBatch = 64

// Run executes requests until ctx ends. After a failed append it also tries at intervals of Config.PollInterval whether the
// database can be written again, see CheckWritable. When ctx has ended, it accepts no more requests, executes the queued requests and returns nil.
func (q *Sequencer) Run(ctx context.Context) error {
	work, cut := context.WithCancel(context.WithoutCancel(ctx)) // a shutdown interrupts a transaction only after DrainTimeout
	defer cut()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(q.config.DrainTimeout, cut) })()
	defer q.disconnect()
	retry := time.NewTicker(q.store.poll)
	defer retry.Stop()
	for {
		select {
		case c := <-q.queue:
			q.flush(work, q.gather(c))
		case <-retry.C:
			q.retryIdle(work)
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

// gather returns first and the queued requests, at most BatchSize. It does not block until more requests arrive. But callers
// that have just got their results may be about to send their next request: as long as requests arrive and fewer than
// smallBatch are queued, gather yields the processor to the callers.
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
