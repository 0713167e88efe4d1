package tree

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/mod/sumdb/tlog"

	"roomlog/eventstore/transparency"
)

// ErrNotSigned means that no signed checkpoint covers an event yet.
var ErrNotSigned = errors.New("no signed checkpoint covers this event yet")

// Prove returns the proof that the log contains the event at a position, for the newest signed checkpoint. It fails with
// ErrNotSigned if the checkpoint does not cover the event, and with transparency.ErrProof if the event has changed. db
// must be a transaction with one snapshot.
func Prove(ctx context.Context, db Querier, position int64) (transparency.Proof, error) {
	s, err := ReadState(ctx, db)
	if err != nil {
		return transparency.Proof{}, err
	}
	if position > s.Head {
		return transparency.Proof{}, fmt.Errorf("the log has no event at position %d, it ends at %d", position, s.Head)
	}
	if position > s.SignedSize {
		return transparency.Proof{}, fmt.Errorf("%w: position %d, the checkpoint covers %d events", ErrNotSigned, position, s.SignedSize)
	}
	events, err := ReadEvents(ctx, db, position-1, position, 1)
	if err != nil {
		return transparency.Proof{}, err
	}
	if len(events) == 0 {
		return transparency.Proof{}, fmt.Errorf("the log has no event at position %d", position)
	}
	c, err := transparency.ParseCheckpoint(s.Signed)
	if err != nil {
		return transparency.Proof{}, err
	}
	return transparency.NewProof(events[0], s.Signed, tlog.TileHashReader(c.Tree, TileReader(ctx, db)))
}

// ProveLatest calls Prove in a transaction of its own.
func ProveLatest(ctx context.Context, pool *pgxpool.Pool, position int64) (proof transparency.Proof, err error) {
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		proof, err = Prove(ctx, tx, position)
		return err
	})
	return proof, err
}
