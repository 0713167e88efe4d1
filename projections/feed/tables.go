package feed

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

var (
	// ErrEnded means that the feed is not running any more.
	ErrEnded = errors.New("the feed has ended")

	// ErrHistoryChanged means that the log has another history now, so that a position of the former one has no meaning.
	ErrHistoryChanged = errors.New("the log has another history")
)

var (
	//go:embed sql/select_tables.sql
	selectTables string
	//go:embed sql/select_held.sql
	selectHeld string
)

// tables follows the checkpoint of the read tables.
type tables struct {
	pool *pgxpool.Pool
	wake wakeup

	mu       sync.Mutex
	position int64         // the newest checkpoint that was read
	moved    chan struct{} // closed when position changes
	waiters  int           // callers of waitFor
	poisoned bool          // the tables may have held coin events, or could not apply them
}

func newTables(pool *pgxpool.Pool, wake wakeup) *tables {
	return &tables{pool: pool, wake: wake, moved: make(chan struct{}), poisoned: true} // until it is read
}

// begin reads the first checkpoint.
func (t *tables) begin(ctx context.Context) (projections.Checkpoint, error) {
	at, err := projections.ReadCheckpoint(ctx, t.pool)
	if err == nil {
		t.moveTo(at.Position)
	}
	return at, err
}

// read reads the checkpoint and wakes the callers of waitFor if it has moved. It returns eventstore.ErrCursorLost if the log does
// not contain newest, the newest event that was read. Without that, events of a lost history would be released when the tables
// reach their positions in another one.
func (t *tables) read(ctx context.Context, newest eventstore.Record) (int64, error) {
	var position int64
	var found *uuid.UUID
	var poisoned bool
	if err := t.pool.QueryRow(ctx, selectTables, newest.Position).Scan(&position, &found, &poisoned); err != nil {
		return 0, fmt.Errorf("read the checkpoint: %w", err)
	}
	t.mu.Lock()
	t.poisoned = poisoned
	t.mu.Unlock()
	if newest.Position > 0 && (found == nil || *found != newest.ID) {
		return 0, fmt.Errorf("compare the event at position %d with the log: %w", newest.Position, eventstore.ErrCursorLost)
	}
	t.moveTo(position)
	return position, nil
}

// moveTo sets the newest checkpoint that was read.
func (t *tables) moveTo(position int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.position != position {
		t.position = position
		close(t.moved)
		t.moved = make(chan struct{})
	}
}

// applied returns events without the coin events that the tables have not applied: nobody may receive a gift that no table has. It
// must be called after the read that has reached the events.
func (t *tables) applied(ctx context.Context, events []eventstore.Record) ([]eventstore.Record, error) {
	t.mu.Lock()
	poisoned := t.poisoned
	t.mu.Unlock()
	var coins []int64
	for _, r := range events {
		if _, ok := r.Event.(domain.CoinEvent); ok && poisoned {
			coins = append(coins, r.Position)
		}
	}
	if len(coins) == 0 {
		return events, nil
	}
	rows, err := t.pool.Query(ctx, selectHeld, coins)
	if err != nil {
		return nil, fmt.Errorf("read the held events: %w", err)
	}
	held, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("read the held events: %w", err)
	}
	return slices.DeleteFunc(slices.Clone(events), func(r eventstore.Record) bool { return slices.Contains(held, r.Position) }), nil
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
