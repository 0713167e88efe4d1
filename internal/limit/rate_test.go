package limit_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"roomlog/internal/limit"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestReturn(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	r := limit.NewRates[string](limit.PerMinute(2), 8)
	for range 100 {
		if _, ok := r.Take("a", now); !ok {
			t.Fatal("a token that was returned is missing")
		}
		r.Return("a", now)
	}
	r.Return("a", now)
	r.Return("b", now) // key b has no bucket
	for range 2 {
		if _, ok := r.Take("a", now); !ok {
			t.Fatal("a token is missing")
		}
	}
	if _, ok := r.Take("a", now); ok {
		t.Fatal("a bucket holds more tokens than its burst")
	}
}

func TestBucket(t *testing.T) {
	t.Run("allows its burst and no more than the rate after it", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			r := limit.Rate{PerSecond: float64(rapid.IntRange(1, 50).Draw(t, "per second")), Burst: rapid.IntRange(1, 20).Draw(t, "burst")}
			b, now, taken := limit.NewBucket(r), start, 0
			for range rapid.IntRange(1, 200).Draw(t, "requests") {
				now = now.Add(time.Duration(rapid.IntRange(0, 200).Draw(t, "ms")) * time.Millisecond)
				retry, ok := b.Take(now)
				if ok != (retry == 0) || retry < 0 || retry > time.Duration(float64(time.Second)/r.PerSecond)+time.Millisecond {
					t.Fatalf("ok %v, retry after %v", ok, retry)
				}
				if ok {
					taken++
				}
			}
			if most := float64(r.Burst) + r.PerSecond*now.Sub(start).Seconds(); float64(taken) > most+1e-6 {
				t.Fatalf("%d were taken, at most %v may be", taken, most)
			}
		})
	})
	t.Run("returns when to come back, and allows it then", func(t *testing.T) {
		b := limit.NewBucket(limit.Rate{PerSecond: 2, Burst: 1})
		b.Take(start)
		for range 3 { // A refusal takes no token.
			if retry, ok := b.Take(start); ok || retry != 500*time.Millisecond {
				t.Fatalf("got %v, %v", retry, ok)
			}
		}
		if _, ok := b.Take(start.Add(500 * time.Millisecond)); !ok {
			t.Error("refused at the time that was named")
		}
	})
	t.Run("of no rate is unbounded", func(t *testing.T) {
		for _, b := range []*limit.Bucket{nil, limit.NewBucket(limit.Rate{}), limit.NewBucket(limit.PerMinute(-1))} {
			for range 1000 {
				if _, ok := b.Take(start); !ok {
					t.Fatal("refused")
				}
			}
		}
	})
}

func TestRates(t *testing.T) {
	t.Run("bound each key by itself", func(t *testing.T) {
		r := limit.NewRates[string](limit.PerMinute(2), 10)
		for _, key := range []string{"a", "b"} {
			for i := range 3 {
				if _, ok := r.Take(key, start); ok != (i < 2) {
					t.Errorf("%s %d: got %v", key, i, ok)
				}
			}
		}
		if _, ok := r.Take("a", start.Add(30*time.Second)); !ok {
			t.Error("refused after half a minute")
		}
	})
	t.Run("remember a bounded number of keys", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			size := rapid.IntRange(1, 20).Draw(t, "size")
			r := limit.NewRates[int](limit.PerMinute(1), size)
			for range rapid.IntRange(1, 200).Draw(t, "requests") {
				r.Take(rapid.IntRange(0, 1000).Draw(t, "key"), start)
				if r.Len() > size {
					t.Fatalf("%d keys are remembered, %d may be", r.Len(), size)
				}
			}
		})
	})
	t.Run("of no rate are unbounded and remember nothing", func(t *testing.T) {
		r := limit.NewRates[int](limit.PerMinute(0), 10)
		for range 1000 {
			if _, ok := r.Take(1, start); !ok {
				t.Fatal("refused")
			}
		}
		if r.Len() != 0 {
			t.Errorf("%d keys, want 0", r.Len())
		}
	})
}
