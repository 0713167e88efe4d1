package hooks

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"roomlog/internal/wait"
)

// queue delivers post and done hooks in order. push may be called concurrently; one goroutine at a time calls run or finish.
type queue struct {
	cfg      Config
	client   *client
	sequence *atomic.Uint64 // shared by the queues; incremented while mu is held

	mu       sync.Mutex
	waiting  []Notification
	dropping bool // whether a warning was logged since the queue was last empty
	wake     chan struct{}

	delivered, retried, dropped atomic.Uint64
}

func newQueue(cfg Config, c *client, sequence *atomic.Uint64) *queue {
	return &queue{cfg: cfg, client: c, sequence: sequence, wake: make(chan struct{}, 1)}
}

// push queues a notification. If the queue is full, the notification is dropped, and its number is skipped.
func (q *queue) push(n Notification) {
	n.Args = shorten(n.Args)
	q.mu.Lock()
	n.Seq = q.sequence.Add(1)
	full := len(q.waiting) >= (q.cfg.QueueLength+1)/2
	warn := full && !q.dropping
	if full {
		q.dropping = true
	} else {
		q.waiting = append(q.waiting, n)
	}
	q.mu.Unlock()
	if warn {
		q.cfg.Log.Warn("webhook queue full, dropping notifications", slog.String("hook", n.Hook), slog.Uint64("sequence", n.Seq))
	}
	if full {
		q.dropped.Add(1)
		return
	}
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// run delivers notifications until ctx ends.
func (q *queue) run(ctx context.Context) {
	for ctx.Err() == nil {
		q.flush(ctx)
		select {
		case <-q.wake:
		case <-ctx.Done():
		}
	}
}

// finish delivers the remaining notifications until ctx ends, and drops the others. Call it after run.
func (q *queue) finish(ctx context.Context) {
	q.flush(ctx)
	if left := q.len(); left > 0 {
		q.dropped.Add(uint64(left))
		q.cfg.Log.Warn("webhooks dropped at shutdown", slog.Int("count", left))
	}
}

// flush delivers the queued notifications in order until the queue is empty or ctx ends.
func (q *queue) flush(ctx context.Context) {
	for {
		n, found := q.first()
		if !found || !q.deliver(ctx, n) {
			return
		}
		q.mu.Lock()
		q.waiting = q.waiting[1:]
		if len(q.waiting) == 0 {
			q.waiting, q.dropping = nil, false
		}
		q.mu.Unlock()
	}
}

func (q *queue) first() (Notification, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return Notification{}, false
	}
	return q.waiting[0], true
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// deliver sends a notification until it is accepted, or drops it after a rejection or after RetryFor. It reports
// false if ctx ended before that.
func (q *queue) deliver(ctx context.Context, n Notification) bool {
	backoff := wait.Backoff{Min: firstRetry, Max: lastRetry}
	for {
		status, err := q.client.post(ctx, n)
		switch {
		case err == nil && status < 300:
			q.delivered.Add(1)
			return true
		case ctx.Err() != nil:
			return false
		case err == nil && isRejection(status), errors.Is(err, errEncoding), q.cfg.Now().Sub(n.Time) > q.cfg.RetryFor:
			q.dropped.Add(1)
			q.cfg.Log.WarnContext(ctx, "webhook dropped", slog.String("hook", n.Hook), slog.Uint64("sequence", n.Seq), slog.Int("status", status), slog.Any("error", err))
			return true
		}
		q.retried.Add(1)
		if !backoff.Wait(ctx) {
			return false
		}
	}
}
