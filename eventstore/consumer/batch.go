package consumer

import (
	"context"
	"errors"
	"sync"
	"time"

	wsql "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5"

	"roomlog/eventstore"
	"roomlog/internal/wait"
)

// Batch is the content of one message of Subscribe: consecutive events, not decoded and without Metadata. It belongs to
// a transaction that locks the checkpoint of the group.
type Batch struct {
	After      int64 // position of the checkpoint: the group has handled all events up to it
	Generation int64 // generation of the tables in use
	Events     []eventstore.Record

	tx *transaction
}

// transaction reads a batch, runs the work on it, moves the checkpoint and commits. Watermill-sql commits whenever it
// sees no error, even if the work was interrupted. This type commits only if the work has succeeded and the message was
// acknowledged.
type transaction struct {
	pgx.Tx
	ctx       context.Context //nolint:containedctx // wsql.Tx commits without one; its own PgxTx does the same
	projected *wait.Signal
	onError   func(error) time.Duration
	onCommit  func(*Batch)
	batch     *Batch

	mu     sync.Mutex // locked while the work runs, so that the transaction does not end during the work
	over   bool
	done   bool  // whether the work has succeeded
	failed error // why the work has failed; nil if it has not
	moved  bool  // whether the checkpoint has moved
}

// BatchOf returns the batch in a message from Subscribe. It reports false for any other message.
func BatchOf(m *message.Message) (*Batch, bool) {
	tx, ok := wsql.TxFromContext(m.Context())
	if !ok {
		return nil, false
	}
	own, ok := tx.(*transaction)
	if !ok || own.batch == nil {
		return nil, false
	}
	return own.batch, true
}

// Truncate removes all but the first n events from the batch, n ≥ 1; the next batch begins with the removed events.
// Call it from the work that is passed to Handle.
func (b *Batch) Truncate(n int) { b.Events = b.Events[:n] }

// Handle runs work in the transaction of the batch and acknowledges m. If work fails, the transaction is rolled back
// together with the move of the checkpoint. The same events are delivered again after the wait that Config.OnError
// returns.
func (b *Batch) Handle(m *message.Message, work func(ctx context.Context, tx pgx.Tx) error) {
	b.tx.mu.Lock()
	switch {
	case b.tx.over:
		b.tx.failed = errors.New("the transaction has ended")
	default:
		b.tx.failed = work(m.Context(), b.tx.Tx)
		b.tx.done = b.tx.failed == nil
	}
	b.tx.mu.Unlock()
	m.Ack()
}
