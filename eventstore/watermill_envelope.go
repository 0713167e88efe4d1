package eventstore

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	wsql "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// An Envelope is what one message of Envelopes carries: consecutive events, not decoded yet and without
// Metadata, and the transaction that holds their consumer group's checkpoint.
type EventBatch struct {
	After      int64 // the checkpoint
	Generation int64 // of the read tables
	Events     []Record

	tx *envelopeTx
}

// Truncate leaves all but the first n events to the next envelope. It is called in Do, and n is not 0.
func (e *EventBatch) Truncate(n int) { e.Events = e.Events[:n] }

// EventBatchOf answers the envelope of a message that came from Envelopes.
func EventBatchOf(m *message.Message) (*EventBatch, bool) {
	tx, ok := wsql.TxFromContext(m.Context())
	if !ok {
		return nil, false
	}
	own, ok := tx.(*envelopeTx)
	if !ok || own.envelope == nil {
		return nil, false
	}
	return own.envelope, true
}

// Handle runs work in the envelope's transaction and acknowledges m. If work fails, everything is
// rolled back, checkpoint and all, and the same events come again after the pause that
// ConsumerConfig.Failed answers.
func (e *EventBatch) Handle(m *message.Message, work func(ctx context.Context, tx pgx.Tx) error) {
	e.tx.mu.Lock()
	switch {
	case e.tx.over:
		e.tx.failed = errors.New("the transaction has ended")
	default:
		e.tx.failed = work(m.Context(), e.tx.Tx)
		e.tx.done = e.tx.failed == nil
	}
	e.tx.mu.Unlock()
	m.Ack()
}

// beginEnvelope begins the transaction of an envelope in one round trip. Rows and checkpoint fall back
// together when the machine loses power, and are done again: nothing waits for the disk. The plans
// of an empty table would still be used when it is large, so scans are out, and with them their
// prices, which would have statements compiled. A process that is frozen in the middle gives the
// checkpoint up.
const beginEnvelope = `BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL synchronous_commit = off;
SET LOCAL enable_seqscan = off;
SET LOCAL jit = off;
SET LOCAL idle_in_transaction_session_timeout = '5s'`

// envelopeBeginner begins the transactions of a subscription.
type envelopeBeginner struct {
	pool      *pgxpool.Pool
	projected *Signal
	failed    func(error) time.Duration
}

// BeginTx implements wsql.Beginner.
func (b *envelopeBeginner) BeginTx(ctx context.Context, _ *stdsql.TxOptions) (wsql.Tx, error) {
	tx, err := b.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: beginEnvelope})
	if err != nil {
		return nil, err
	}
	return &envelopeTx{Tx: tx, ctx: ctx, projected: b.projected, onFailed: b.failed}, nil
}

// ExecContext implements wsql.Beginner.
func (b *envelopeBeginner) ExecContext(ctx context.Context, query string, args ...any) (wsql.Result, error) {
	tag, err := b.pool.Exec(ctx, query, args...)
	return affected(tag.RowsAffected()), err
}

// QueryContext implements wsql.Beginner; watermill-sql does not read outside a transaction.
func (b *envelopeBeginner) QueryContext(context.Context, string, ...any) (wsql.Rows, error) {
	return nil, errors.New("reading outside an envelope's transaction")
}

// affected is a number of rows as watermill-sql wants it.
type affected int64

// RowsAffected implements wsql.Result.
func (a affected) RowsAffected() (int64, error) { return int64(a), nil }

// envelopeTx is one transaction of a subscription: it begins, reads an envelope, is worked in, moves
// the checkpoint and commits. Watermill-sql commits whenever it has no error at hand, also when
// work was cut short; this one commits only work that was done and acknowledged.
type envelopeTx struct {
	pgx.Tx
	ctx       context.Context //nolint:containedctx // wsql.Tx commits without one; its own PgxTx does the same
	projected *Signal
	onFailed  func(error) time.Duration
	envelope  *EventBatch

	mu     sync.Mutex // held while work runs, so that nobody ends the transaction under it
	over   bool
	done   bool  // work ended well
	failed error // or did not
	moved  bool  // the checkpoint has moved
}

// QueryContext implements wsql.Tx.
func (t *envelopeTx) QueryContext(ctx context.Context, query string, args ...any) (wsql.Rows, error) {
	rows, err := t.Tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return &envelopeRows{rows: rows, tx: t}, nil
}

// ExecContext implements wsql.Tx: the acknowledgement, or a statement before subscribing.
func (t *envelopeTx) ExecContext(ctx context.Context, query string, args ...any) (wsql.Result, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed != nil {
		return affected(0), t.failed
	}
	if t.envelope != nil {
		args[0] = t.envelope.Events[len(t.envelope.Events)-1].Position // see Keep, and CheckpointOffsets
	}
	tag, err := t.Tx.Exec(ctx, query, args...)
	if err != nil {
		return affected(0), err
	}
	if t.envelope != nil {
		if tag.RowsAffected() != 1 {
			return affected(0), fmt.Errorf("the checkpoint did not move from %d", t.envelope.After)
		}
		t.moved = true
	}
	return affected(tag.RowsAffected()), nil
}

// Commit implements wsql.Tx.
func (t *envelopeTx) Commit() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	if t.envelope == nil || t.done && t.moved { // nothing was read, or all of it was dealt with
		err := t.Tx.Commit(t.ctx)
		switch {
		case err == nil && t.moved:
			t.projected.Notify()
		case err != nil && t.onFailed != nil && t.ctx.Err() == nil:
			t.onFailed(fmt.Errorf("commit: %w", err)) // watermill-sql would only log it
		}
		return err
	}
	return t.Tx.Rollback(context.WithoutCancel(t.ctx))
}

// Rollback implements wsql.Tx.
func (t *envelopeTx) Rollback() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	return t.Tx.Rollback(context.WithoutCancel(t.ctx))
}

// envelopeRows shows the rows of a query to watermill-sql as one row, the envelope, or none. An error
// in the middle of the rows would look like their end to watermill-sql, which never asks for it: here
// it becomes the error of the one row.
type envelopeRows struct {
	rows pgx.Rows
	tx   *envelopeTx
	read bool
	err  error
}

// Next implements wsql.Rows.
func (r *envelopeRows) Next() bool {
	if r.read {
		return false
	}
	r.read = true
	e := &EventBatch{tx: r.tx}
	for r.rows.Next() {
		record, err := scanBare(r.rows, &e.After, &e.Generation)
		if err != nil {
			r.err = err
			break
		}
		e.Events = append(e.Events, record)
	}
	r.rows.Close()
	if r.err == nil {
		r.err = r.rows.Err()
	}
	if len(e.Events) > 0 {
		r.tx.envelope = e
	}
	return r.err != nil || r.tx.envelope != nil
}

// Scan implements wsql.Rows.
func (r *envelopeRows) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	*dest[0].(**EventBatch) = r.tx.envelope
	return nil
}

// Close implements wsql.Rows.
func (r *envelopeRows) Close() error { r.rows.Close(); return nil }
