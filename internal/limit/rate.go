package limit

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// Rate is the size and the refill of a token bucket.
type Rate struct {
	PerSecond float64 // 0 or less: no bound
	Burst     int     // at least 1
}

// PerMinute returns a Rate with a burst of n and a refill of n per minute. An n of 0 or less is no bound.
func PerMinute(n int) Rate { return Rate{PerSecond: float64(n) / 60, Burst: n} }

// Bucket is one token bucket. It is safe for concurrent use; a nil Bucket has no bound.
type Bucket struct{ limiter *rate.Limiter }

// NewBucket returns a full bucket, or nil when r is no bound.
func NewBucket(r Rate) *Bucket {
	if r.PerSecond <= 0 {
		return nil
	}
	return &Bucket{rate.NewLimiter(rate.Limit(r.PerSecond), max(r.Burst, 1))}
}

// Take takes a token. When there is none, it takes nothing and returns false and the time until there is one.
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

// Rates is a set of token buckets, one per key. It remembers a fixed number of keys; the key that was used least
// recently is forgotten first and starts again with a full bucket. It is safe for concurrent use; a nil Rates has no
// bound.
type Rates[K comparable] struct {
	rate    Rate
	buckets *lru.Cache[K, *Bucket]
}

// NewRates returns Rates that remember up to keys keys, or nil when r is no bound. It panics when keys is less than 1.
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

// Take takes a token of key's bucket, as Bucket.Take does.
func (r *Rates[K]) Take(key K, now time.Time) (retryAfter time.Duration, ok bool) {
	if r == nil {
		return 0, true
	}
	return r.bucket(key).Take(now)
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

// Len returns the number of keys that are remembered.
func (r *Rates[K]) Len() int {
	if r == nil {
		return 0
	}
	return r.buckets.Len()
}
