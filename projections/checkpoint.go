package projections

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// ConsumerGroup is the projector's consumer group: the row of table checkpoint that says how far the tables are.
const ConsumerGroup = "projections"

// checkpoint is where the tables are.
type checkpoint struct {
	position, generation int64
}

func scanCheckpoint(row pgx.CollectableRow) (c checkpoint, err error) {
	err = row.Scan(&c.position, &c.generation)
	return c, err
}

type queryRower interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func readCheckpoint(ctx context.Context, db queryRower) (c checkpoint, err error) {
	if err := db.QueryRow(ctx, selectCheckpoint).Scan(&c.position, &c.generation); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return c, fmt.Errorf("read the checkpoint: %w", err)
	}
	return c, nil
}
