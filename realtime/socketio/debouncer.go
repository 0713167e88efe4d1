package socketio

import (
	"context"
	"sync"
	"time"
)

// retryInterval is the wait before a failed call is repeated.
const retryInterval = time.Second

// debouncer calls a function for each scheduled key at a later time. If a key is scheduled several times before, the
// function is called once.
type debouncer[K comparable] struct {
	now  func() time.Time
	work func(context.Context, K) error // function to call; it logs its own errors
	wake chan struct{}

	mu  sync.Mutex
	due map[K]time.Time
}

func newDebouncer[K comparable](now func() time.Time, work func(context.Context, K) error) *debouncer[K] {
	return &debouncer[K]{now: now, work: work, wake: make(chan struct{}, 1), due: make(map[K]time.Time)}
}

// schedule schedules key at a time, unless key is already scheduled. It does not block.
func (d *debouncer[K]) schedule(key K, at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, scheduled := d.due[key]; scheduled {
		return
	}
	d.due[key] = at
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// run calls the function for the keys that are due, until ctx ends. It repeats a failed call.
func (d *debouncer[K]) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		case <-timer.C:
		}
		ready, next := d.takeReady()
		for _, key := range ready {
			d.do(ctx, key)
		}
		timer.Reset(next)
	}
}

func (d *debouncer[K]) do(ctx context.Context, key K) {
	within, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if err := d.work(within, key); err != nil && ctx.Err() == nil {
		d.schedule(key, d.now().Add(retryInterval))
	}
}

// takeReady removes and returns the keys that are due, and the time until the next key.
func (d *debouncer[K]) takeReady() (ready []K, next time.Duration) {
	now, next := d.now(), time.Hour
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, at := range d.due {
		if wait := at.Sub(now); wait > 0 {
			next = min(next, wait)
			continue
		}
		ready = append(ready, key)
		delete(d.due, key)
	}
	return ready, next
}
