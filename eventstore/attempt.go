package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// unclearError means that the connection broke after a batch was sent with its COMMIT, or that no synchronous standby has
// confirmed the batch. The batch may or may not be in the log; only a query under the lock of the log can find out.
type unclearError struct {
	batch *batch
	err   error
}

func (e *unclearError) Error() string { return "commit not confirmed: " + e.err.Error() }
func (e *unclearError) Unwrap() error { return e.err }

// attempt executes the calls in one transaction. lost is an earlier batch of the same calls whose COMMIT got no reply,
// or nil. If lost is in the log, attempt returns it. After any other error than an *unclearError, no event of the calls
// is in the log.
func (q *Sequencer) attempt(ctx context.Context, calls []*call, lost *batch) (*batch, error) {
	if err := q.connected(ctx); err != nil {
		return nil, lost.stillUnclear(err)
	}
	if lost != nil {
		landed, err := q.landed(ctx, lost)
		switch {
		case err != nil:
			q.disconnect()
			return nil, lost.stillUnclear(err)
		case landed:
			if err := q.confirm(ctx); err != nil {
				q.disconnect()
				return nil, lost.stillUnclear(err)
			}
			return lost, nil // the next load folds the events of this batch into the states
		}
	}
	b := newBatch(calls)
	err := q.load(ctx, b)
	if err == nil {
		err = q.loadProfiles(ctx, b)
	}
	if err != nil {
		q.rollback(err)
		return nil, err
	}
	b.history = q.history
	b.decide(q.states, q.random)
	q.store.recent.send(b.records)
	if err := q.write(ctx, b); err != nil {
		undone := refusedByServer(err) || errors.Is(err, errEncoding)
		q.rollback(err)
		if !undone {
			return nil, &unclearError{b, err}
		}
		return nil, err
	}
	if err := q.confirm(ctx); err != nil {
		q.rollback(err)
		return nil, &unclearError{b, err}
	}
	if b.setsAside() {
		q.states.empty() // the states that the event has changed must be loaded again
	} else {
		q.states.put(b.loaded)
		q.states.put(b.work)
		q.states.aside, q.states.head = b.aside, b.end()
	}
	q.store.history.remember(q.history, b.newest())
	if b.setBack > 0 && len(b.records) > 0 {
		q.store.log.ErrorContext(ctx, "newest event was far ahead of the database's clock, recorded_at has stepped back",
			slog.Int64("position", b.records[0].Position), slog.Duration("duration", b.setBack))
	}
	return b, nil
}

// stillUnclear wraps err, which ended an attempt before it found out the outcome of b, in an *unclearError. If b is
// nil, it returns err unchanged.
func (b *batch) stillUnclear(err error) error {
	if b == nil {
		return err
	}
	return &unclearError{b, err}
}

// outcome describes a failed batch for log messages. b is nil if no batch was sent with its COMMIT.
func (b *batch) outcome() string {
	if b == nil {
		return "rolled back"
	}
	return "unknown"
}

// landed reports whether b, whose COMMIT got no reply, is in the log. It takes the lock before it queries the log: the
// old backend may still be committing, and holds the lock until it has finished.
func (q *Sequencer) landed(ctx context.Context, b *batch) (bool, error) {
	if len(b.records) == 0 {
		return false, nil // the commands are decided again; if the batch was committed, they find their rows in table command
	}
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	first := b.records[0]
	var found uuid.UUID
	p := &pgx.Batch{}
	p.Queue(beginTransaction)
	p.Queue(takeLock, lockKey)
	p.Queue("SELECT event_id FROM events WHERE position = $1", first.Position).QueryRow(func(row pgx.Row) error {
		err := row.Scan(&found)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	p.Queue("COMMIT")
	if err := q.conn.SendBatch(ctx, p).Close(); err != nil {
		return false, fmt.Errorf("look for a batch whose commit got no reply: %w", err)
	}
	return found == first.ID, nil
}
