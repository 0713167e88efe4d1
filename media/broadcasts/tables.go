package broadcasts

import (
	"context"

	"roomlog/domain"
	"roomlog/projections"
)

const pageSize = 500 // maximum number of broadcasts in one query

// eachBroadcast calls do with each running broadcast in the tables, ordered by live, until an error.
func eachBroadcast(ctx context.Context, queries *projections.Queries, do func(projections.Broadcast) error) error {
	for after := domain.LiveID(0); ; {
		page, err := queries.Broadcasts(ctx, after, pageSize)
		if err != nil {
			return err
		}
		for _, b := range page {
			after = b.Live
			if err := do(b); err != nil {
				return err
			}
		}
		if len(page) < pageSize {
			return nil
		}
	}
}
