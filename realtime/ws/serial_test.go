package ws_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"roomlog/realtime/ws/wstest"
)

// waitFor waits until done is closed.
func waitFor(t *testing.T, done <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(wstest.Timeout):
		t.Fatalf("timed out waiting for %s", what)
	}
}

func TestSerial(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	unexpected := func() {
		if fault := recover(); fault != nil {
			t.Errorf("a function panicked: %v", fault)
		}
	}

	t.Run("runs functions one after another and each once", func(t *testing.T) {
		t.Parallel()
		const goroutines, calls = 8, 200
		serial := s.NewSerial(unexpected)
		var order [goroutines][]int // order of the functions passed to Later; guarded by serial
		running, direct := false, 0
		exclusive := func(f func()) func() {
			return func() {
				if running {
					t.Error("two functions run at the same time")
				}
				running = true
				f()
				running = false
			}
		}
		var group, queued sync.WaitGroup
		queued.Add(goroutines * calls)
		for g := range goroutines {
			group.Go(func() {
				for i := range calls {
					serial.Later(exclusive(func() { order[g] = append(order[g], i); queued.Done() }))
					serial.Do(exclusive(func() { direct++ }))
				}
			})
		}
		group.Wait()
		queued.Wait()
		serial.Do(func() {
			if direct != goroutines*calls {
				t.Errorf("Do ran %d functions, want %d", direct, goroutines*calls)
			}
			for g, got := range order {
				if len(got) != calls || !slices.IsSorted(got) {
					t.Errorf("goroutine %d: Later ran %d functions, sorted %v; want %d in order", g, len(got), slices.IsSorted(got), calls)
				}
			}
		})
	})

	t.Run("a busy Serial does not delay the others", func(t *testing.T) {
		t.Parallel()
		const busy = 20 // more functions than there are background workers
		released := make(chan struct{})
		release := sync.OnceFunc(func() { close(released) })
		defer release()
		var entered, requests, later sync.WaitGroup
		for range busy {
			serial := s.NewSerial(unexpected)
			done := false
			entered.Add(1)
			requests.Go(func() {
				serial.Do(func() {
					entered.Done()
					<-released
					done = true
				})
			})
			entered.Wait()
			if !serial.Busy() {
				t.Error("Busy reports false while a function runs")
			}
			later.Add(1)
			serial.Later(func() {
				if !done {
					t.Error("Later ran a function before Do had ended")
				}
				later.Done()
			})
		}
		free, ran := s.NewSerial(unexpected), make(chan struct{})
		free.Later(func() { close(ran) })
		waitFor(t, ran, "the function of a Serial that is not busy")
		release()
		requests.Wait()
		later.Wait()
	})

	t.Run("continues after a panic", func(t *testing.T) {
		t.Parallel()
		var faults []any // guarded by the Serial
		serial := s.NewSerial(func() {
			if fault := recover(); fault != nil {
				faults = append(faults, fault)
			}
		})
		ran := make(chan struct{})
		serial.Do(func() {
			serial.Later(func() { panic("second") })
			serial.Later(func() { close(ran) })
			panic("first")
		})
		waitFor(t, ran, "the function after a panic")
		serial.Do(func() {
			if !slices.Equal(faults, []any{"first", "second"}) {
				t.Errorf("recovered %v, want first and second", faults)
			}
		})
	})
}
