package feed

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"roomlog/projections"
)

// ErrEnded means that the feed is not running any more.
var ErrEnded = errors.New("the feed has ended")

// tables follows the checkpoint of the read tables.
type tables struct {
	queries *projections.Queries
	wake    wakeup

	mu       sync.Mutex
	position int64         // the newest checkpoint that was read
	moved    chan struct{} // closed when position changes
	waiters  int           // callers of waitFor
}

func newTables(queries *projections.Queries, wake wakeup) *tables {
	return &tables{queries: queries, wake: wake, moved: make(chan struct{})}
}

// read reads the checkpoint and wakes the callers of waitFor if it has moved.
func (t *tables) read(ctx context.Context) (int64, error) {
	position, err := t.queries.Checkpoint(ctx)
	if err != nil {
		return 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.position != position {
		t.position = position
		close(t.moved)
		t.moved = make(chan struct{})
	}
	return position, nil
}

// waitFor blocks until the checkpoint is at position or after it, ctx ends, or closed is closed.
func (t *tables) waitFor(ctx context.Context, position int64, closed <-chan struct{}) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.position < position {
		moved := t.moved
		t.waiters++
		t.mu.Unlock()
		t.wake.notify()
		var err error
		select {
		case <-moved:
		case <-ctx.Done():
			err = fmt.Errorf("wait for the tables to reach %d: %w", position, ctx.Err())
		case <-closed:
			err = fmt.Errorf("wait for the tables to reach %d: %w", position, ErrEnded)
		}
		t.mu.Lock()
		t.waiters--
		if err != nil {
			return err
		}
	}
	return nil
}

// awaited reports whether a caller of waitFor waits for the checkpoint to move.
func (t *tables) awaited() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.waiters > 0
}
