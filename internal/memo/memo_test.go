package memo_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"roomlog/internal/memo"
)

func TestGet(t *testing.T) {
	var failure error
	reads := 0
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	v := memo.New(time.Second, func() time.Time { return now }, func(context.Context) (int, error) { reads++; return reads, failure })
	get := func(want int) {
		t.Helper()
		if got, err := v.Get(t.Context()); !errors.Is(err, failure) || failure == nil && got != want {
			t.Errorf("got %d, %v, want %d, %v", got, err, want, failure)
		}
	}
	get(1)
	get(1)
	now = now.Add(time.Second)
	failure = errors.New("no database")
	get(0)
	failure = nil
	get(3)
	get(3)
}

// TestWaiters checks that callers who wait for a read end with their contexts, and that they do not repeat a failed read one
// after another.
func TestWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failure := errors.New("no database")
		reads, release := 0, make(chan struct{})
		v := memo.New(time.Second, time.Now, func(context.Context) (int, error) {
			reads++
			<-release
			return 0, failure
		})
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if _, err := v.Get(t.Context()); !errors.Is(err, failure) {
					t.Errorf("a waiter got %v, want the error of the read", err)
				}
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := v.Get(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller without time got %v", err)
		}
		close(release)
		all.Wait()
		if reads > 2 {
			t.Errorf("21 callers have read %d times, want at most 2", reads)
		}
	})
}
