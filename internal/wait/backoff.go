package wait

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"
)

const (
	defaultMin = 20 * time.Millisecond
	defaultMax = time.Second
)

// Backoff computes the waits between attempts: each is twice as long as the one before, up to Max, less a random
// quarter at most, so that many processes do not retry in step. The zero value starts at 20 ms and ends at 1 s.
// It is not safe for concurrent use.
type Backoff struct {
	Min time.Duration // the first wait; default 20 ms
	Max time.Duration // the longest wait; default 1 s

	next time.Duration
}

// Next returns the next wait.
func (b *Backoff) Next() time.Duration {
	shortest, longest := cmp.Or(b.Min, defaultMin), cmp.Or(b.Max, defaultMax)
	d := min(max(b.next, shortest), longest)
	b.next = 2 * d
	return d - rand.N(d/4+1)
}

// Wait sleeps for the next wait. It reports false when ctx ended first.
func (b *Backoff) Wait(ctx context.Context) bool { return Sleep(ctx, b.Next()) }

// Reset starts again at Min. Call it after a success.
func (b *Backoff) Reset() { b.next = 0 }
