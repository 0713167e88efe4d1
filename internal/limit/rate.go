package limit

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// Rate holds the size and the refill rate of a token bucket.
type Rate struct {
	PerSecond float64 // tokens added per second; 0 or less: no limit
	Burst     int     // maximum number of tokens; at least 1
}

// PerMinute returns a Rate with a burst of n tokens that adds n tokens per minute. If n is 0 or less, there is no
// limit.
func PerMinute(n int) Rate { return Rate{PerSecond: float64(n) / 60, Burst: n} }

// PerDay returns a Rate with a burst of n tokens that adds n tokens per day. If n is 0 or less, there is no limit.
func PerDay(n int) Rate { return Rate{PerSecond: float64(n) / (24 * 60 * 60), Burst: n} }

// Bucket is a token bucket. It is safe for concurrent use. A nil Bucket has no limit.
type Bucket struct{ limiter *rate.Limiter }

// NewBucket returns a full bucket for r, or nil if r has no limit.
func NewBucket(r Rate) *Bucket {
	if r.PerSecond <= 0 {
		return nil
	}
	return &Bucket{rate.NewLimiter(rate.Limit(r.PerSecond), max(r.Burst, 1))}
}

// Take takes one token. If the bucket is empty, it returns false and the time until the next token.
func (b *Bucket) Take(now time.Time) (retryAfter time.Duration, ok bool) {
	if b == nil {
		return 0, true
	}
	token := b.limiter.ReserveN(now, 1)
	delay := token.DelayFrom(now)
	if delay == 0 {
		return 0, true
	}
	token.CancelAt(now)
	return delay, false
}

// Return gives back a token that Take has taken.
func (b *Bucket) Return(now time.Time) {
	if b != nil {
		b.limiter.AllowN(now, -1) // The limiter caps the number of tokens at the next call.
	}
}

// Rates is a set of token buckets, one per key. It holds a fixed number of keys. When it is full, it drops the least
// recently used key, whose next bucket is full again. It is safe for concurrent use. A nil Rates has no limit.
type Rates[K comparable] struct {
	rate    Rate
	buckets *lru.Cache[K, *Bucket]
}

// NewRates returns Rates for at most keys keys, or nil if r has no limit. It panics if keys is less than 1.
func NewRates[K comparable](r Rate, keys int) *Rates[K] {
	buckets, err := lru.New[K, *Bucket](keys)
	if err != nil {
		panic("limit: " + err.Error())
	}
	if r.PerSecond <= 0 {
		return nil
	}
	return &Rates[K]{rate: r, buckets: buckets}
}

// Take takes one token from the bucket of key. It returns the same values as Bucket.Take.
func (r *Rates[K]) Take(key K, now time.Time) (retryAfter time.Duration, ok bool) {
	if r == nil {
		return 0, true
	}
	return r.bucket(key).Take(now)
}

// Return gives back a token that Take has taken for key. It does nothing if the bucket of key was dropped.
func (r *Rates[K]) Return(key K, now time.Time) {
	if r == nil {
		return
	}
	if b, known := r.buckets.Peek(key); known {
		b.Return(now)
	}
}

func (r *Rates[K]) bucket(key K) *Bucket {
	if b, known := r.buckets.Get(key); known {
		return b
	}
	fresh := NewBucket(r.rate)
	if before, known, _ := r.buckets.PeekOrAdd(key, fresh); known {
		return before
	}
	return fresh
}

// Len returns the number of keys that have a bucket.
func (r *Rates[K]) Len() int {
	if r == nil {
		return 0
	}
	return r.buckets.Len()
}
