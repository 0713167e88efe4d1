package consumer

import (
	"context"
	"errors"

	wsql "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5"

	"roomlog/eventstore"
)

// Batch is what one message of Subscribe carries: consecutive events, not decoded and without Metadata, and the
// transaction that holds the checkpoint of the group.
type Batch struct {
	After      int64 // the checkpoint
	Generation int64 // of the tables in use
	Events     []eventstore.Record

	tx *transaction
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
