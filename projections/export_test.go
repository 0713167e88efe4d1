package projections

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/eventstore"
)

// ProjectPlainly applies the log up to a position without the consumer. It uses the same folds and statements as a
// projector, with size events in a transaction.
func ProjectPlainly(ctx context.Context, store *eventstore.Store, conn *pgxpool.Pool, upTo int64, size int) error {
	a := NewApplier(store, nil)
	if err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return a.WriteVersions(ctx, tx) }); err != nil {
		return err
	}
	for at := int64(0); at < upTo; {
		tx, err := conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: "BEGIN; SET LOCAL synchronous_commit = off; SET LOCAL enable_seqscan = off; SET LOCAL jit = off"})
		if err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, "SELECT position FROM checkpoint WHERE consumer_group = $1 FOR UPDATE", ConsumerGroup).Scan(&at); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT position, stream, version, event_id, type, payload, recorded_at
			FROM events WHERE position > $1 ORDER BY position LIMIT $2`, at, size)
		if err != nil {
			return err
		}
		events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r eventstore.Record, err error) {
			err = row.Scan(&r.Position, &r.Stream, &r.Version, &r.ID, &r.Type, &r.Payload, &r.RecordedAt)
			return r, err
		})
		if err != nil {
			return err
		}
		if err := store.Decode(ctx, events); err != nil {
			return err
		}
		batches, err := a.fold(events, a.selectBy(func(Projection) bool { return true }))
		if err != nil {
			return err
		}
		b := &pgx.Batch{}
		for i, batch := range batches {
			if batch != nil {
				a.projections[i].Write.write(batch, b)
			}
		}
		at = events[len(events)-1].Position
		b.Queue("UPDATE checkpoint SET position = $1, event_id = NULL WHERE consumer_group = $2", at, ConsumerGroup)
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return fmt.Errorf("at %d: %w", at, err)
		}
		if err := tx.Commit(ctx); err != nil {
			return err
		}
	}
	return nil
}

// ApplyInBatches applies the whole log to the empty tables in search_path, with size events in a transaction. It does
// not move the checkpoint.
func ApplyInBatches(ctx context.Context, store *eventstore.Store, pool *pgxpool.Pool, upTo int64, size int) error {
	a := NewApplier(store, nil)
	if err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return a.WriteVersions(ctx, tx) }); err != nil {
		return err
	}
	for at := int64(0); at < upTo; {
		events, err := store.ReadRaw(ctx, 0, at, upTo, size)
		if err != nil {
			return err
		}
		poison, err := a.Decode(ctx, events)
		if err != nil {
			return err
		}
		err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { _, err := a.Apply(ctx, tx, events, poison); return err })
		if err != nil {
			return err
		}
		at = events[len(events)-1].Position
	}
	return nil
}
