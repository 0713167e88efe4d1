package projections

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	defaultPage = 50      // the number of rows in a page without a limit
	maxPage     = 500     // the largest number of rows in a page
	lastPage    = 1 << 40 // the largest page number
)

// Queries reads the tables. It is safe for concurrent use.
type Queries struct {
	pool *pgxpool.Pool
}

// NewQueries returns Queries over pool, whose search_path must begin with the read schema.
func NewQueries(pool *pgxpool.Pool) *Queries { return &Queries{pool} }

// many returns all rows of a query. what is the name of the rows in errors.
func many[T any](ctx context.Context, q *Queries, what string, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
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

// one returns the first row of a query, or ErrNotFound. what is the name of the row in errors.
func one[T any](ctx context.Context, q *Queries, what string, scan pgx.RowToFunc[T], sql string, args ...any) (T, error) {
	found, err := many(ctx, q, what, scan, sql, args...)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("read %s: %w", what, ErrNotFound)
	}
	if err != nil {
		var none T
		return none, err
	}
	return found[0], nil
}

// pageSize returns a limit between 1 and maxPage.
func pageSize(limit int) int { return min(max(limit, 1), maxPage) }

// A Window selects a page of a history by position.
type Window struct {
	After       int64 // exclusive; 0: from the beginning
	Before      int64 // exclusive; 0: to the end
	OldestFirst bool  // the default is newest first
	Limit       int   // at most 500; 0: 50
}

// bounds returns the parameters of a statement.
func (w Window) bounds() (after, before int64, limit int) {
	if before = w.Before; before <= 0 {
		before = math.MaxInt64
	}
	if limit = w.Limit; limit <= 0 {
		limit = defaultPage
	}
	return w.After, before, min(limit, maxPage)
}

// in returns a statement with the order of the window.
func (w Window) in(sql string) string {
	if w.OldestFirst {
		return strings.ReplaceAll(sql, "{order}", "ASC")
	}
	return strings.ReplaceAll(sql, "{order}", "DESC")
}

// allTimes returns bounds that include every time.
func allTimes() (from, to time.Time) {
	return time.Time{}, time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
}
