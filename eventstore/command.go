package eventstore

import (
	"context"
	"fmt"
	"time"
)

// sweepBatch bounds what one statement deletes, so that it never holds much.
const sweepBatch = 1000

// DeleteCommands forgets the outcomes of commands with an idempotency key that were recorded before a
// time, and answers how many. Those of coin commands are kept for ever.
func (s *Store) DeleteCommands(ctx context.Context, before time.Time) (int64, error) {
	total := int64(0)
	for {
		tag, err := s.pool.Exec(ctx, deleteOldCommands, before, sweepBatch)
		total += tag.RowsAffected()
		if err != nil {
			return total, fmt.Errorf("sweep commands before %s: %w", before.UTC().Format(time.RFC3339), err)
		}
		if tag.RowsAffected() < sweepBatch {
			return total, nil
		}
	}
}
