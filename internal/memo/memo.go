package memo

import (
	"context"
	"sync"
	"time"
)

// Value is a value that is read again when it is too old. Its zero value is ready. It is safe for concurrent use.
type Value[T any] struct {
	mu    sync.Mutex
	at    time.Time
	value T
}

// Get returns the value that was read less than life before now, or calls read. One caller reads, and the others wait. An
// error is not kept. Do not change the result.
func (v *Value[T]) Get(ctx context.Context, now time.Time, life time.Duration, read func(context.Context) (T, error)) (T, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.at.IsZero() && now.Sub(v.at).Abs() < life {
		return v.value, nil
	}
	value, err := read(ctx)
	if err == nil {
		v.value, v.at = value, now
	}
	return value, err
}
