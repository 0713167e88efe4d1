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
	// ErrEnded means that the feed is no longer running.
	ErrEnded = errors.New("the feed has ended")

	// ErrHistoryChanged means that the log has another history now. Positions of the former history have no meaning in
	// it.
	ErrHistoryChanged = errors.New("the log has another history")
)

var (
	//go:embed sql/select_tables.sql
	selectTables string
	//go:embed sql/select_held.sql
	selectHeld string
)

// point is an event of the log.
type point struct {
	position int64
	id       uuid.UUID // zero if unknown
}

// tables follows the checkpoint of the read tables.
type tables struct {
	pool *pgxpool.Pool
	wake wakeup

	mu       sync.Mutex
	position int64         // newest position that was read
	moved    chan struct{} // closed when position changes
	waiters  int           // number of callers of waitFor
	poisoned bool          // whether the tables may contain held or poison coin events
}

func newTables(pool *pgxpool.Pool, wake wakeup) *tables {
	return &tables{pool: pool, wake: wake, moved: make(chan struct{}), poisoned: true} // assumes that there are such events until the tables are read
}

// begin reads the first checkpoint.
func (t *tables) begin(ctx context.Context) (projections.Checkpoint, error) {
	at, err := projections.ReadCheckpoint(ctx, t.pool)
	if err == nil {
		t.moveTo(at.Position)
	}
	return at, err
}

// read reads the checkpoint and wakes the callers of waitFor if it has moved. newest is the newest event that the feed
// has read. If the log no longer contains newest, read returns eventstore.ErrCursorLost. Without this check, events of
// a lost history would be released when the tables reach their positions in the new history.
func (t *tables) read(ctx context.Context, newest point) (int64, error) {
	var position int64
	var found *uuid.UUID
	var poisoned bool
	if err := t.pool.QueryRow(ctx, selectTables, newest.position).Scan(&position, &found, &poisoned); err != nil {
		return 0, fmt.Errorf("read the checkpoint: %w", err)
	}
	t.mu.Lock()
	t.poisoned = poisoned
	t.mu.Unlock()
	if newest.position > 0 && newest.id != uuid.Nil && (found == nil || *found != newest.id) {
		return 0, fmt.Errorf("compare the event at position %d with the log: %w", newest.position, eventstore.ErrCursorLost)
	}
	t.moveTo(position)
	return position, nil
}

// report records what another process has read: the position of the tables, and whether they may contain held or poison
// coin events. It reports whether the position is new.
func (t *tables) report(position int64, poisoned bool) (newer bool) {
	t.mu.Lock()
	t.poisoned = poisoned
	newer = position > t.position
	t.mu.Unlock()
	if newer {
		t.moveTo(position)
	}
	return newer
}

// moveTo sets the position and wakes the callers of waitFor.
func (t *tables) moveTo(position int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.position != position {
		t.position = position
		close(t.moved)
		t.moved = make(chan struct{})
	}
}

// applied returns events without the coin events that the tables have not applied, because nobody may receive a gift
// that no table contains. Call it after the read that has reached the events.
func (t *tables) applied(ctx context.Context, events []eventstore.Record) ([]eventstore.Record, error) {
	mayHold := t.mayHold()
	var coins []int64
	for _, r := range events {
		if _, ok := r.Event.(domain.CoinEvent); ok && mayHold {
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

// mayHold reports whether the tables may contain held or poison coin events.
func (t *tables) mayHold() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.poisoned
}

// state returns the position and whether the tables may contain held or poison coin events.
func (t *tables) state() (position int64, poisoned bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.position, t.poisoned
}

// has reports whether the tables have applied the events up to position, as far as they were read.
func (t *tables) has(position int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.position >= position
}

// waitFor blocks until the checkpoint has reached position, ctx ends, or closed is closed.
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

// awaited reports whether a caller of waitFor is waiting.
func (t *tables) awaited() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.waiters > 0
}
