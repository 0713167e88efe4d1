package consumer

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"time"

	wsql "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/eventstore"
	"roomlog/internal/wait"
)

// begin begins the transaction of a batch in one round trip:
//   - The commit does not wait for the disk: a power failure undoes the changes of the tables and of the checkpoint
//     together.
//   - The plans do not scan tables: a plan made for an empty table would still be used when the table is large. Without
//     scans the estimated costs are high, so JIT compilation is off as well.
//   - A process that is frozen during the transaction loses the transaction, and with it the checkpoint.
const begin = `BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL synchronous_commit = off;
SET LOCAL enable_seqscan = off;
SET LOCAL jit = off;
SET LOCAL idle_in_transaction_session_timeout = '5s'`

// beginner is the wsql.Beginner of a subscription: it begins transactions.
type beginner struct {
	pool      *pgxpool.Pool
	projected *wait.Signal
	onError   func(error) time.Duration
	onCommit  func(*Batch)
}

// BeginTx begins the transaction of a batch.
func (b *beginner) BeginTx(ctx context.Context, _ *stdsql.TxOptions) (wsql.Tx, error) {
	tx, err := b.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: begin})
	if err != nil {
		return nil, err
	}
	return &transaction{Tx: tx, ctx: ctx, projected: b.projected, onError: b.onError, onCommit: b.onCommit}, nil
}

// ExecContext executes a statement outside a transaction.
func (b *beginner) ExecContext(ctx context.Context, query string, args ...any) (wsql.Result, error) {
	tag, err := b.pool.Exec(ctx, query, args...)
	return affected(tag.RowsAffected()), err
}

// QueryContext fails: watermill-sql reads only in transactions.
func (b *beginner) QueryContext(context.Context, string, ...any) (wsql.Rows, error) {
	return nil, errors.New("reading outside the transaction of a batch")
}

// affected is a wsql.Result that contains only a number of rows.
type affected int64

func (a affected) RowsAffected() (int64, error) { return int64(a), nil }

func (t *transaction) QueryContext(ctx context.Context, query string, args ...any) (wsql.Rows, error) {
	found, err := t.Tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	group, _ := args[0].(string)
	return &rows{rows: found, tx: t, compare: func() error { return VerifyCheckpoint(ctx, t.Tx, group) }}, nil
}

// ExecContext executes the acknowledgement, or a statement that runs before subscribing.
func (t *transaction) ExecContext(ctx context.Context, query string, args ...any) (wsql.Result, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed != nil {
		return affected(0), t.failed
	}
	if t.batch != nil {
		last := t.batch.Events[len(t.batch.Events)-1] // see Batch.Truncate and checkpoints.AckMessageQuery
		args[0], args[3] = last.Position, last.ID
	}
	tag, err := t.Tx.Exec(ctx, query, args...)
	if err != nil {
		return affected(0), err
	}
	if t.batch != nil {
		if tag.RowsAffected() != 1 {
			return affected(0), fmt.Errorf("the checkpoint did not move from %d", t.batch.After)
		}
		t.moved = true
	}
	return affected(tag.RowsAffected()), nil
}

// Commit commits if nothing was read, or if the whole batch was handled. Otherwise it rolls back.
func (t *transaction) Commit() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	if t.batch == nil || t.done && t.moved {
		err := t.Tx.Commit(t.ctx)
		switch {
		case err == nil && t.moved:
			t.projected.Notify()
			if t.onCommit != nil {
				t.onCommit(t.batch)
			}
		case err != nil && t.onError != nil && t.ctx.Err() == nil:
			t.onError(fmt.Errorf("commit: %w", err)) // reported here, because watermill-sql would only log it
		}
		return err
	}
	return t.Tx.Rollback(context.WithoutCancel(t.ctx))
}

func (t *transaction) Rollback() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	return t.Tx.Rollback(context.WithoutCancel(t.ctx))
}

// rows presents the rows of a query to watermill-sql as one row, which is the batch, or as no row. Watermill-sql never
// reads the error of rows and would mistake an error for the end of the rows. Therefore Scan returns the error.
type rows struct {
	rows    pgx.Rows
	tx      *transaction
	compare func() error // compares the checkpoint with the log
	read    bool
	err     error
}

// Next reads the batch. It returns true if there is a batch, or if there is an error; Scan then returns the error.
func (r *rows) Next() bool {
	if r.read {
		return false
	}
	r.read = true
	b := &Batch{tx: r.tx}
	doubtful := false
	for r.rows.Next() {
		if r.rows.RawValues()[0] == nil { // the row contains no event, see select_batch.sql
			doubtful = true
			continue
		}
		var own, found *uuid.UUID
		record, err := eventstore.ScanRaw(r.rows, &b.After, &b.Generation, &own, &found)
		if err != nil {
			r.err = err
			break
		}
		doubtful = doubtful || b.After > 0 && (found == nil || own != nil && *own != *found)
		b.Events = append(b.Events, record)
	}
	r.rows.Close()
	if r.err == nil {
		r.err = r.rows.Err()
	}
	if doubtful && r.err == nil { // another process may have moved the checkpoint after the database snapshot of the query: query again
		if r.err = r.compare(); r.err == nil {
			b.Events = nil
		}
	}
	if len(b.Events) > 0 {
		r.tx.batch = b
	}
	return r.err != nil || r.tx.batch != nil
}

// Scan stores the batch in dest.
func (r *rows) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	*dest[0].(**Batch) = r.tx.batch
	return nil
}

func (r *rows) Close() error { r.rows.Close(); return nil }
