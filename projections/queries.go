package projections

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
)

// Queries answers from the read tables. It is safe for concurrent use.
type Queries struct {
	pool *pgxpool.Pool
}

// NewQueries reads through pool, whose search_path begins with the read schema.
func NewQueries(pool *pgxpool.Pool) *Queries { return &Queries{pool} }
