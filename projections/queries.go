package projections

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/internal/sqltemplate"
)

const (
	defaultPage = 50      // default number of rows in a page
	maxPage     = 500     // maximum number of rows in a page
	lastPage    = 1 << 40 // maximum page number

	notInEncoding = "22021" // error of PostgreSQL about a text with a character that it cannot store
)

// Queries reads the tables. It is safe for concurrent use.
type Queries struct {
	pool *pgxpool.Pool
	wait func(context.Context) error // called before each read
}

// NewQueries returns Queries that use pool. The search_path of pool must begin with the read schema.
func NewQueries(pool *pgxpool.Pool) *Queries { return &Queries{pool, noWait} }

func noWait(context.Context) error { return nil }

// After returns Queries that call wait before each read. The read fails with the error of wait. A server uses it so that
// its reads contain everything that it has pushed, see feed.Feed.UpToDate.
func (q *Queries) After(wait func(context.Context) error) *Queries { return &Queries{q.pool, wait} }

// many returns all rows of a query. what names the rows in errors.
func many[T any](ctx context.Context, q *Queries, what string, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	if err := q.wait(ctx); err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	rows, err := q.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	found, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return found, nil
}

// one returns the first row of a query, or ErrNotFound. It also returns ErrNotFound for a parameter that PostgreSQL
// cannot store as text, such as an id with the character NUL. what names the row in errors.
func one[T any](ctx context.Context, q *Queries, what string, scan pgx.RowToFunc[T], sql string, args ...any) (T, error) {
	found, err := many(ctx, q, what, scan, sql, args...)
	var refused *pgconn.PgError
	if err == nil && len(found) == 0 || errors.As(err, &refused) && refused.Code == notInEncoding {
		err = fmt.Errorf("read %s: %w", what, ErrNotFound)
	}
	if err != nil {
		var none T
		return none, err
	}
	return found[0], nil
}

// pageSize returns limit, or the nearest of the bounds 1 and maxPage if limit is outside them.
func pageSize(limit int) int { return min(max(limit, 1), maxPage) }

// A Window selects a page of rows by their positions.
type Window struct {
	After       int64 // position after which the page begins; 0: the beginning
	Before      int64 // position before which the page ends; 0: the end
	OldestFirst bool  // whether the oldest rows come first; otherwise the newest
	Limit       int   // maximum number of rows, at most 500; 0: 50
}

// bounds returns the window as parameters for a statement.
func (w Window) bounds() (after, before int64, limit int) {
	if before = w.Before; before <= 0 {
		before = math.MaxInt64
	}
	if limit = w.Limit; limit <= 0 {
		limit = defaultPage
	}
	return w.After, before, min(limit, maxPage)
}

// options returns the options of a statement whose only optional part is its order.
func (w Window) options() sqltemplate.Options {
	return sqltemplate.Options{"oldest_first": w.OldestFirst}
}
