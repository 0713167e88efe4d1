package pgsession

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

//go:embed select_blocker.sql
var selectBlocker string

//go:embed select_obstacle.sql
var selectObstacle string

// RowQuerier queries a row. A connection and a pool implement it.
type RowQuerier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Blocker returns the session that holds a lock for which other sessions of the same database wait. It also returns how
// long the first of them has waited. It looks only at waiting sessions whose application matches the LIKE pattern
// application. Waits for advisory locks do not count. If no session waits, the PID of the holder is 0.
func Blocker(ctx context.Context, db RowQuerier, application string) (h Holder, waited time.Duration, err error) {
	var since *time.Time
	var seconds float64
	err = db.QueryRow(ctx, selectBlocker, application).Scan(&h.PID, &h.Application, &since, &seconds)
	if errors.Is(err, pgx.ErrNoRows) {
		return Holder{}, 0, nil
	}
	if since != nil {
		h.Since = *since
	}
	return h, time.Duration(seconds * float64(time.Second)), err
}

// Obstacle returns a text that says why this session cannot read one of the tables: a table is missing, the role has no
// right to it, or another session has locked it. The text is empty if there is no such reason. Obstacle does not wait for
// locks.
func Obstacle(ctx context.Context, db RowQuerier, tables []string) (string, error) {
	var table string
	var allowed *bool
	var h Holder
	var since *time.Time
	switch err := db.QueryRow(ctx, selectObstacle, tables).Scan(&table, &allowed, &h.PID, &h.Application, &since); {
	case errors.Is(err, pgx.ErrNoRows):
		return "", nil
	case err != nil:
		return "", err
	case allowed == nil:
		return fmt.Sprintf("table %s is missing", table), nil
	case !*allowed:
		return fmt.Sprintf("the database role of this process may not read table %s: run roomlog migrate, which grants the rights", table), nil
	}
	if since != nil {
		h.Since = *since
	}
	return fmt.Sprintf("%s holds a lock on table %s: wait until it has finished, or end it: SELECT pg_terminate_backend(%d)", h, table, h.PID), nil
}
