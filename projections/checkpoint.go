package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"roomlog/internal/sqltemplate"
)

// ConsumerGroup is the name of the projector's consumer group. Its row in table checkpoint contains the position of the
// read tables.
const ConsumerGroup = "projections"

// A Checkpoint is the position and the generation of the read tables. Each switch to other tables starts a new
// generation.
type Checkpoint struct {
	Position, Generation int64
	EventID              uuid.UUID // id of the event at Position; zero if unknown
}

func (c *Checkpoint) scan(row pgx.Row) error {
	var id *uuid.UUID
	err := row.Scan(&c.Position, &c.Generation, &id)
	if id != nil {
		c.EventID = *id
	}
	return err
}

// RowQuerier queries a row. A connection, a pool and a transaction implement it.
type RowQuerier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// ReadCheckpoint returns the checkpoint. It returns the zero Checkpoint if no projector has run yet.
func ReadCheckpoint(ctx context.Context, db RowQuerier) (c Checkpoint, err error) {
	if err := c.scan(db.QueryRow(ctx, selectCheckpoint.With(nil))); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return c, fmt.Errorf("read the checkpoint: %w", err)
	}
	return c, nil
}

// LockCheckpoint returns the checkpoint and locks it until the end of tx. Until then no projector writes the tables.
func LockCheckpoint(ctx context.Context, tx pgx.Tx) (c Checkpoint, err error) {
	if err := c.scan(tx.QueryRow(ctx, selectCheckpoint.With(sqltemplate.Options{"lock": true}))); err != nil {
		return c, fmt.Errorf("lock the checkpoint: %w", err)
	}
	return c, nil
}

// Checkpoint returns the position of the tables.
func (q *Queries) Checkpoint(ctx context.Context) (int64, error) {
	c, err := ReadCheckpoint(ctx, q.pool)
	return c.Position, err
}

// Lag describes how far the tables are behind the log.
type Lag struct {
	Position int64     // position up to which the tables are current
	Head     int64     // position of the newest event of the log
	Oldest   time.Time // recorded_at of the oldest event that the tables do not contain yet; zero if there is none
	Poisoned int64     // number of rows of table poison that are not set aside
	Closed   CoinsClosed
}

// CoinsClosed describes whose coins are closed: no command may move them.
type CoinsClosed struct {
	Users     int64 // number of users whose coins are closed
	Everybody bool
	Since     int64 // position of the first event that closes coins; 0 if all coins are open
}

// Lag returns how far the tables are behind the log.
func (q *Queries) Lag(ctx context.Context) (Lag, error) { return readLag(ctx, q.pool) }

// maxLag is the maximum age of the oldest event that the tables lack. Tables that are further behind must not decide
// what is deleted.
const maxLag = 10 * time.Second

// CheckLag returns ErrBehind if the tables lack an event that was recorded more than 10 seconds before now. Tables that are
// further behind must not decide what is unused: they may lack the event that uses it.
func (q *Queries) CheckLag(ctx context.Context, now time.Time) error {
	lag, err := q.Lag(ctx)
	if err == nil && !lag.Oldest.IsZero() && now.Sub(lag.Oldest) > maxLag {
		err = fmt.Errorf("%w: position %d of %d", ErrBehind, lag.Position, lag.Head)
	}
	return err
}

func readLag(ctx context.Context, db RowQuerier) (l Lag, err error) {
	var oldest *time.Time
	if err := db.QueryRow(ctx, selectLag).Scan(&l.Position, &l.Head, &oldest, &l.Poisoned,
		&l.Closed.Users, &l.Closed.Everybody, &l.Closed.Since); err != nil {
		return l, fmt.Errorf("read the position of the tables: %w", err)
	}
	if oldest != nil {
		l.Oldest = oldest.UTC()
	}
	return l, nil
}
