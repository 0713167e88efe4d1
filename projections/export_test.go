package projections

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
	"roomlog/eventstore"
)

// ProjectPlainly brings the tables up to a position without watermill: what a program would do by hand, with
// the same folds and the same statements, size events a transaction.
func ProjectPlainly(ctx context.Context, store *eventstore.Store, conn *pgxpool.Pool, upTo int64, size int) error {
	f := newFolder(store, All)
	if err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return f.claim(ctx, tx) }); err != nil {
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
		events, err := pgx.CollectRows(rows, scanBare)
		if err != nil {
			return err
		}
		if err := store.Decode(ctx, events); err != nil {
			return err
		}
		all := make([]bool, len(f.parts))
		for i := range all {
			all[i] = true
		}
		batches, err := f.fold(events, all)
		if err != nil {
			return err
		}
		b := &pgx.Batch{}
		for i, batch := range batches {
			if batch != nil {
				f.parts[i].Write.write(batch, b)
			}
		}
		at = events[len(events)-1].Position
		b.Queue("UPDATE checkpoint SET position = $1 WHERE consumer_group = $2", at, ConsumerGroup)
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return fmt.Errorf("at %d: %w", at, err)
		}
		if err := tx.Commit(ctx); err != nil {
			return err
		}
	}
	return nil
}

// WithFold answers every projection, one of them with one more handler of E.
func WithFold[E domain.Event](name string, fold func(E)) []Projection {
	parts := slices.Clone(All)
	for i := range parts {
		if p := &parts[i]; p.Name == name {
			var zero E
			more := Handler{zero.Type(), func(_ any, r eventstore.Record) { fold(r.Event.(E)) }}
			p.Handlers = append([]Handler{more}, p.Handlers...)
		}
	}
	return parts
}

// WithVersion answers every projection, one of them with another version.
func WithVersion(name string, version int) []Projection {
	parts := slices.Clone(All)
	for i := range parts {
		if parts[i].Name == name {
			parts[i].Version = version
		}
	}
	return parts
}

// Pending answers how many events a feed holds back.
func Pending(f *Feed) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.pending)
}
