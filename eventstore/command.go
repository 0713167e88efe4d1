package eventstore

import (
	"context"
	"fmt"
	"time"
)

// deleteBatch is the maximum number of rows that one statement deletes, so that no statement holds many locks.
const deleteBatch = 1000

// DeleteCommands deletes the stored results of commands that were recorded before the given time, and returns the number of
// deleted results. The results of coin commands are never deleted.
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
