package projections

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// sweepBatch bounds what one transaction deletes: it holds the projector up for as long.
const sweepBatch = 1000

// DeleteUnusedCredentials deletes the password hashes that no person's account names, and answers how many: a
// registration that was refused leaves one behind. What counts as old is measured by the log, not by a
// clock: more than an hour before the newest event that the tables have. So a projector that lags, or
// stands still, never costs anybody the password; neither does a person whom the tables set aside.
func DeleteUnusedCredentials(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	total := int64(0)
	for {
		rows, err := pool.Query(ctx, selectUnusedCredentials, ConsumerGroup, sweepBatch)
		if err != nil {
			return total, fmt.Errorf("look for unused credentials: %w", err)
		}
		unused, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			return total, fmt.Errorf("look for unused credentials: %w", err)
		}
		if len(unused) == 0 {
			return total, nil
		}
		deleted, err := deleteUnused(ctx, pool, unused)
		total += deleted
		if err != nil || len(unused) < sweepBatch {
			return total, err
		}
	}
}

// deleteUnused looks again while nobody can switch to other tables, and deletes.
func deleteUnused(ctx context.Context, pool *pgxpool.Pool, unused []uuid.UUID) (deleted int64, err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT FROM checkpoint WHERE consumer_group = $1 FOR SHARE", ConsumerGroup); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, deleteUnusedCredentials, ConsumerGroup, unused)
		deleted = tag.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("delete unused credentials: %w", err)
	}
	return deleted, nil
}
