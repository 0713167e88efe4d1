package socketio

import (
	"context"
	"sync"
	"time"
)

// retryInterval is the pause before a failed call is repeated.
const retryInterval = time.Second

// debouncer calls a function for each key once at a later time, however often the key was scheduled before.
type debouncer[K comparable] struct {
	now  func() time.Time
	work func(context.Context, K) error // logs its error
	wake chan struct{}

	mu  sync.Mutex
	due map[K]time.Time
}

func newDebouncer[K comparable](now func() time.Time, work func(context.Context, K) error) *debouncer[K] {
	return &debouncer[K]{now: now, work: work, wake: make(chan struct{}, 1), due: make(map[K]time.Time)}
}

// schedule schedules key at a time, unless it is scheduled already. It does not block.
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

// run calls the function for the keys whose time has come until ctx ends. A failed call is repeated.
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

// takeReady removes the keys whose time has come, and returns the time until the next key.
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
