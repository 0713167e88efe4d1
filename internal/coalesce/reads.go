package coalesce

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// readTimeout is the maximum duration of one read. It does not end with the context of one caller, because others wait for it.
const readTimeout = 10 * time.Second

// Reads reads values by their keys. At most one read runs at a time; the keys that are requested meanwhile are read together by
// the next one. It is safe for concurrent use.
type Reads[K comparable, V any] struct {
	read func(ctx context.Context, keys []K) (map[K]V, error)

	mu      sync.Mutex
	running bool           // whether a read runs, or a caller has the turn to run one
	next    *request[K, V] // the keys of the next read; nil if there are none
}

// request is one read of several keys.
type request[K comparable, V any] struct {
	keys  map[K]struct{}
	turn  chan struct{} // contains an element when one of the callers has to run the read
	done  chan struct{} // closed when the next two fields are set
	found map[K]V
	err   error
}

// New returns Reads that call read. The result of read contains the keys that exist.
func New[K comparable, V any](read func(ctx context.Context, keys []K) (map[K]V, error)) *Reads[K, V] {
	return &Reads[K, V]{read: read}
}

// Get returns the value of a key. It reports false if the key does not exist.
func (r *Reads[K, V]) Get(ctx context.Context, key K) (value V, ok bool, err error) {
	q := r.join(key)
	select {
	case <-q.turn:
		r.run(ctx, q)
	case <-q.done:
	case <-ctx.Done():
		return value, false, fmt.Errorf("wait for a read: %w", ctx.Err())
	}
	value, ok = q.found[key]
	return value, ok, q.err
}

// join adds a key to the next read. If no read runs, one of the callers may run it at once.
func (r *Reads[K, V]) join(key K) *request[K, V] {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == nil {
		r.next = &request[K, V]{keys: make(map[K]struct{}), turn: make(chan struct{}, 1), done: make(chan struct{})}
	}
	q := r.next
	q.keys[key] = struct{}{}
	if !r.running {
		r.running = true
		q.turn <- struct{}{}
	}
	return q
}

// run reads the keys of q, and gives the turn to a caller of the next read.
func (r *Reads[K, V]) run(ctx context.Context, q *request[K, V]) {
	r.mu.Lock()
	r.next = nil // later keys need a read that has not begun
	keys := make([]K, 0, len(q.keys))
	for key := range q.keys {
		keys = append(keys, key)
	}
	r.mu.Unlock()
	q.err = fmt.Errorf("the read of %d keys has panicked", len(keys)) // replaced below
	defer func() {
		close(q.done)
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.running = r.next != nil; r.running {
			r.next.turn <- struct{}{}
		}
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
	defer cancel()
	q.found, q.err = r.read(ctx, keys)
}
