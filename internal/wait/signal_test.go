package wait_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"roomlog/internal/wait"
)

func TestSignal(t *testing.T) {
	t.Parallel()
	t.Run("wakes all waiters", func(t *testing.T) {
		t.Parallel()
		signal := wait.NewSignal()
		seen := signal.Count()
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() {
				if now := signal.Wait(t.Context(), seen, time.Minute); now != seen+1 {
					t.Errorf("woken with count %d, want %d", now, seen+1)
				}
			})
		}
		signal.Notify()
		group.Wait()
	})

	t.Run("does not wait after a missed notification", func(t *testing.T) {
		t.Parallel()
		signal := wait.NewSignal()
		seen := signal.Count()
		signal.Notify()
		if now := signal.Wait(t.Context(), seen, time.Minute); now != seen+1 {
			t.Errorf("count %d, want %d", now, seen+1)
		}
	})

	t.Run("waits until the timeout", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			signal := wait.NewSignal()
			seen, began := signal.Count(), time.Now()
			if now := signal.Wait(t.Context(), seen, time.Minute); now != seen || time.Since(began) != time.Minute {
				t.Errorf("count %d, want %d, after %s", now, seen, time.Since(began))
			}
		})
	})

	t.Run("does not wait when the context has ended", func(t *testing.T) {
		t.Parallel()
		signal := wait.NewSignal()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if now := signal.Wait(ctx, signal.Count(), time.Minute); now != signal.Count() {
			t.Errorf("count %d", now)
		}
	})

	t.Run("may be used concurrently", func(t *testing.T) {
		t.Parallel()
		signal := wait.NewSignal()
		before := signal.Count()
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for range 100 {
					signal.Notify()
				}
			})
			group.Go(func() {
				for at := before; at < before+800; {
					at = signal.Wait(t.Context(), at, time.Minute)
				}
			})
		}
		group.Wait()
	})
}
