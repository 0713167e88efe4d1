package eventstore

import (
	"context"
	"fmt"
	"time"
)

// deleteBatch bounds the rows that one statement deletes, so that it never holds many locks.
const deleteBatch = 1000

// DeleteCommands deletes the results of commands with an idempotency key that were recorded before a time, and returns their
// number. The results of coin commands are kept for ever.
func (s *Store) DeleteCommands(ctx context.Context, before time.Time) (int64, error) {
	total := int64(0)
	for {
		tag, err := s.pool.Exec(ctx, deleteOldCommands, before, deleteBatch)
		total += tag.RowsAffected()
		if err != nil {
			return total, fmt.Errorf("delete commands before %s: %w", before.UTC().Format(time.RFC3339), err)
		}
		if tag.RowsAffected() < deleteBatch {
			return total, nil
		}
	}
}
