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

// Batch is what one message of Subscribe carries: consecutive events, not decoded and without Metadata, and the
// transaction that holds the checkpoint of the group.
type Batch struct {
	After      int64 // the checkpoint
	Generation int64 // of the tables in use
	Events     []eventstore.Record

	tx *transaction
}

// transaction reads a batch, runs the work on it, moves the checkpoint and commits. Watermill-sql commits whenever it has
// no error at hand, also when the work was cut short. This type commits only work that was done and acknowledged.
type transaction struct {
	pgx.Tx
	ctx       context.Context //nolint:containedctx // wsql.Tx commits without one; its own PgxTx does the same
	projected *wait.Signal
	onError   func(error) time.Duration
	batch     *Batch

	mu     sync.Mutex // held while the work runs, so that the transaction does not end meanwhile
	over   bool
	done   bool  // the work has succeeded
	failed error // or not
	moved  bool  // the checkpoint has moved
}

// BatchOf returns the batch of a message that came from Subscribe.
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

// Truncate leaves all but the first n events, at least one, to the next batch. Call it in Handle.
func (b *Batch) Truncate(n int) { b.Events = b.Events[:n] }

// Handle runs work in the transaction of the batch and acknowledges m. If work fails, the transaction and the checkpoint
// are rolled back, and the same events come again after the pause that Config.OnError returns.
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
