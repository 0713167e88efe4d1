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

// Backoff computes the waiting times between attempts. Each is twice as long as the previous, up to Max. It is reduced
// by a random part of at most a quarter, so that processes do not retry at the same time. The zero value starts at 20
// ms and ends at 1 s. It is not safe for concurrent use.
type Backoff struct {
	Min time.Duration // first waiting time; default 20 ms
	Max time.Duration // maximum waiting time; default 1 s

	next time.Duration
}

// Next returns the next waiting time.
func (b *Backoff) Next() time.Duration {
	shortest, longest := cmp.Or(b.Min, defaultMin), cmp.Or(b.Max, defaultMax)
	d := min(max(b.next, shortest), longest)
	b.next = 2 * d
	return d - rand.N(d/4+1)
}

// Wait blocks for the next waiting time. It returns false if ctx ends first.
func (b *Backoff) Wait(ctx context.Context) bool { return Sleep(ctx, b.Next()) }

// Reset makes Min the next waiting time. Call it after a success.
func (b *Backoff) Reset() { b.next = 0 }
