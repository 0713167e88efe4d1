package memo

import (
	"context"
	"sync"
	"time"

	"roomlog/internal/coalesce"
)

// Value is a value that is read again when it is too old. It is safe for concurrent use.
type Value[T any] struct {
	life  time.Duration
	now   func() time.Time
	read  func(context.Context) (T, error)
	reads *coalesce.Reads[struct{}, T]

	mu    sync.Mutex
	at    time.Time
	value T
}

// New returns a Value that calls read to get its value and keeps the value for life. now is the clock that measures
// life.
func New[T any](life time.Duration, now func() time.Time, read func(context.Context) (T, error)) *Value[T] {
	v := &Value[T]{life: life, now: now, read: read}
	v.reads = coalesce.New(v.readOnce)
	return v
}

// Get returns the value if it was read less than its life ago, or reads it. Concurrent callers share a read and its error, and
// wait for it until their contexts end. An error is not kept. Do not change the result.
func (v *Value[T]) Get(ctx context.Context) (T, error) {
	if value, ok := v.kept(); ok {
		return value, nil
	}
	value, _, err := v.reads.Get(ctx, struct{}{})
	return value, err
}

func (v *Value[T]) kept() (T, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.value, !v.at.IsZero() && v.now().Sub(v.at).Abs() < v.life
}

// readOnce reads the value, unless the read before it has just done so.
func (v *Value[T]) readOnce(ctx context.Context, keys []struct{}) (map[struct{}]T, error) {
	value, ok := v.kept()
	if !ok {
		at := v.now()
		var err error
		if value, err = v.read(ctx); err != nil {
			return nil, err
		}
		v.mu.Lock()
		v.value, v.at = value, at
		v.mu.Unlock()
	}
	return map[struct{}]T{keys[0]: value}, nil
}
