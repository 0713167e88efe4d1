package wait_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"roomlog/internal/wait"
)

func TestSleep(t *testing.T) {
	t.Parallel()
	t.Run("reports true when the time has passed", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			if !wait.Sleep(t.Context(), time.Minute) || time.Since(began) != time.Minute {
				t.Errorf("slept for %s", time.Since(began))
			}
		})
	})

	t.Run("reports false when the context ends first", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			if wait.Sleep(ctx, time.Minute) || time.Since(began) != time.Second {
				t.Errorf("slept for %s", time.Since(began))
			}
			if wait.Sleep(ctx, 0) {
				t.Error("slept although the context had ended")
			}
		})
	})
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	between := func(t *testing.T, got, longest time.Duration) {
		t.Helper()
		if got > longest || got < longest-longest/4 {
			t.Errorf("waits %s, want %s less a quarter at most", got, longest)
		}
	}

	t.Run("doubles from Min to Max and starts again after Reset", func(t *testing.T) {
		t.Parallel()
		b := wait.Backoff{Min: 10 * time.Millisecond, Max: 50 * time.Millisecond}
		for range 2 {
			for _, want := range []int{10, 20, 40, 50, 50} {
				between(t, b.Next(), time.Duration(want)*time.Millisecond)
			}
			b.Reset()
		}
	})

	t.Run("has defaults", func(t *testing.T) {
		t.Parallel()
		var b wait.Backoff
		between(t, b.Next(), 20*time.Millisecond)
		for range 10 {
			b.Next()
		}
		between(t, b.Next(), time.Second)
	})

	t.Run("waits until the context ends", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			b := wait.Backoff{Min: time.Hour, Max: time.Hour}
			if b.Wait(ctx) {
				t.Error("waited an hour")
			}
		})
	})
}
