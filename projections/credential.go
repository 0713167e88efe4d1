package projections

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/eventstore"
	"roomlog/internal/sqltemplate"
)

// credentialBatch is the number of credentials that one transaction deletes. The projector waits for the transaction.
const credentialBatch = 1000

// DeleteUnusedCredentials deletes the password hashes that no account refers to, and returns their number. A refused
// registration leaves such a hash behind. Only hashes that are at least an hour older than the newest event in the
// tables are deleted, so that no account loses its password because the tables are behind. Nothing is deleted while
// table poison has rows.
func DeleteUnusedCredentials(ctx context.Context, pool *pgxpool.Pool) (total int64, err error) {
	for {
		unused, err := unusedCredentials(ctx, pool, nil)
		if err != nil || len(unused) == 0 {
			return total, err
		}
		deleted, err := deleteUnused(ctx, pool, unused)
		total += deleted
		if err != nil || len(unused) < credentialBatch {
			return total, err
		}
	}
}

// unusedCredentials returns up to credentialBatch unused credentials. If candidates is not nil, it returns only members
// of candidates.
func unusedCredentials(ctx context.Context, db Querier, candidates []uuid.UUID) ([]uuid.UUID, error) {
	rows, err := db.Query(ctx, selectUnusedCredentials.With(sqltemplate.Options{"candidates": candidates != nil}),
		pgx.NamedArgs{"group": ConsumerGroup, "candidates": candidates, "limit": credentialBatch})
	if err != nil {
		return nil, fmt.Errorf("read unused credentials: %w", err)
	}
	unused, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("read unused credentials: %w", err)
	}
	return unused, nil
}

// deleteUnused deletes the candidates that are still unused. It locks the checkpoint, so that a rebuild cannot switch
// the tables at the same time.
func deleteUnused(ctx context.Context, pool *pgxpool.Pool, candidates []uuid.UUID) (deleted int64, err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT FROM checkpoint WHERE consumer_group = $1 FOR SHARE", ConsumerGroup); err != nil {
			return err
		}
		unused, err := unusedCredentials(ctx, tx, candidates)
		if err != nil {
			return err
		}
		deleted, err = eventstore.DeleteCredentials(ctx, tx, unused)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("delete unused credentials: %w", err)
	}
	return deleted, nil
}
