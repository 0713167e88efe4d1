package eventstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// How long one try may take before the connection counts as dead. Loading waits for the lock first,
// which the server gives up after lockTimeout.
const (
	loadTimeout  = 8 * time.Second
	writeTimeout = 6 * time.Second
)

// unclearError says that the batch was sent with its COMMIT and no reply came: it may or may not be
// in the log, and only looking under the lock tells.
type unclearError struct {
	batch *batch
	err   error
}

func (e *unclearError) Error() string { return "no reply to the commit: " + e.err.Error() }
func (e *unclearError) Unwrap() error { return e.err }

// attempt tries once to carry out the calls. After an error nothing of them is in the log, unless
// the error is an *unclearError; lost is the batch of an earlier one.
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
			return lost, nil
		}
	}
	b := newBatch(calls)
	if err := q.load(ctx, b); err != nil {
		q.rollback(err)
		return nil, err
	}
	b.decide(q.states, q.random)
	if err := q.write(ctx, b); err != nil {
		undone := refusedByServer(err) || errors.Is(err, errEncoding)
		q.rollback(err)
		if !undone {
			return nil, &unclearError{b, err}
		}
		return nil, err
	}
	q.states.put(b.loaded)
	q.states.put(b.work)
	q.states.head = b.end()
	return b, nil
}

// stillUnclear is err after a try to find out about b, or just err if there was nothing to find out.
func (b *batch) stillUnclear(err error) error {
	if b == nil {
		return err
	}
	return &unclearError{b, err}
}

// landed finds out whether a batch whose commit got no reply is in the log. Looking at once would find
// nothing while the old backend is still at it: taking the lock waits for its end.
func (q *Sequencer) landed(ctx context.Context, b *batch) (bool, error) {
	if len(b.records) == 0 {
		return false, nil // decided anew: its commands find their own rows, if it landed
	}
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	first := b.records[0]
	var found uuid.UUID
	p := &pgx.Batch{}
	p.Queue(begin)
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
