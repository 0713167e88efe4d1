package tree

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Restart begins a new tree of the log as it is now, with another number and therefore another name. It removes the tiles,
// which a Follower derives from the log again, and keeps the checkpoints of all earlier trees. known is the largest number
// of a tree that the caller knows; the new tree has a larger one. pool needs the rights of the database owner.
func Restart(ctx context.Context, pool *pgxpool.Pool, known int64) (number int64, err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, restartTree, known).Scan(&number); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "DELETE FROM tlog_tile")
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("begin a new tree of the transparency log: %w", err)
	}
	return number, nil
}
