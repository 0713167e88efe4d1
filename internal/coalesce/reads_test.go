package coalesce_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"roomlog/internal/coalesce"
	"roomlog/internal/waittest"
)

// source is read by Reads. Each read waits until the test has taken its keys and returned the result.
type source struct {
	keys    chan []int
	results chan error
}

func newSource() (*source, *coalesce.Reads[int, string]) {
	s := &source{keys: make(chan []int), results: make(chan error)}
	return s, coalesce.New(func(_ context.Context, keys []int) (map[int]string, error) {
		slices.Sort(keys)
		s.keys <- keys
		found := map[int]string{}
		for _, key := range keys {
			if key > 0 {
				found[key] = "value"
			}
		}
		return found, <-s.results
	})
}

func TestConcurrentReadsAreJoined(t *testing.T) {
	t.Parallel()
	s, reads := newSource()
	var all sync.WaitGroup
	get := func(key int) {
		all.Go(func() {
			if value, ok, err := reads.Get(t.Context(), key); err != nil || ok != (key > 0) || ok && value != "value" {
				t.Errorf("key %d: got %q, %v, %v", key, value, ok, err)
			}
		})
	}
	get(1)
	if keys := waittest.Receive(t, s.keys, "a read"); !slices.Equal(keys, []int{1}) {
		t.Fatalf("the first read has the keys %d", keys)
	}
	for _, key := range []int{2, 0, 1} { // requested during a read, so they need a new one
		get(key)
	}
	coalesce.AwaitKeys(reads, 3)
	s.results <- nil
	if keys := waittest.Receive(t, s.keys, "a read"); !slices.Equal(keys, []int{0, 1, 2}) {
		t.Errorf("the second read has the keys %d", keys)
	}
	s.results <- nil
	all.Wait()
}

func TestErrorsAndCanceledCallers(t *testing.T) {
	t.Parallel()
	s, reads := newSource()
	failure := errors.New("failure")
	var all sync.WaitGroup
	all.Go(func() {
		if _, _, err := reads.Get(t.Context(), 1); !errors.Is(err, failure) {
			t.Errorf("got %v", err)
		}
	})
	waittest.Receive(t, s.keys, "a read")
	canceled, cancel := context.WithCancel(t.Context())
	var gone sync.WaitGroup
	gone.Go(func() {
		if _, _, err := reads.Get(canceled, 2); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	coalesce.AwaitKeys(reads, 1)
	cancel()
	gone.Wait() // nobody is left to run the next read
	s.results <- failure
	all.Wait()
	all.Go(func() {
		if _, ok, err := reads.Get(t.Context(), 3); !ok || err != nil {
			t.Errorf("got %v, %v", ok, err)
		}
	})
	if keys := waittest.Receive(t, s.keys, "a read"); !slices.Contains(keys, 3) {
		t.Errorf("the read has the keys %d", keys)
	}
	s.results <- nil
	all.Wait()
}
