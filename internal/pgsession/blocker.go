package pgsession

import (
	"context"
	_ "embed"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

//go:embed select_blocker.sql
var selectBlocker string

// RowQuerier queries a row. A connection and a pool implement it.
type RowQuerier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Blocker returns the session that holds a lock for which other sessions of the same database wait, and for how long
// the first of them has waited. It looks only at waiting sessions whose application matches the LIKE pattern
// application. Waits for advisory locks do not count. If none waits, the PID of the holder is 0.
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
