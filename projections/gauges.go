package projections

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
)

// MaxGauges is the largest number of lives in one call of Queries.Gauges.
const MaxGauges = 1000

// Gauges are the current counters of a live. A subscriber receives the newest ones only; they are never replayed.
type Gauges struct {
	Live      domain.LiveID
	Position  int64 // of the tables when they were read
	Online    int64 // present viewers
	LookCount int64 // different users who ever joined
	Coins     int64 // coins that the live received
}

// Gauges returns the gauges of up to MaxGauges lives, all at one position.
func (q *Queries) Gauges(ctx context.Context, ids []domain.LiveID) ([]Gauges, error) {
	if len(ids) > MaxGauges {
		return nil, fmt.Errorf("read gauges: %d lives are more than %d", len(ids), MaxGauges)
	}
	wanted := make([]int64, len(ids))
	for i, id := range ids {
		wanted[i] = int64(id)
	}
	return many(ctx, q, "gauges", pgx.RowToStructByPos[Gauges], selectGauges, wanted)
}
