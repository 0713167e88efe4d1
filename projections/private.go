package projections

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// Private answers the newest limit deltas of a person's private lane after one position up to another,
// oldest first, from the log. It costs the same however long ago after is.
func (f *Feed) Private(ctx context.Context, user domain.UserID, after, upTo int64, limit int) ([]Delta, error) {
	limit = min(max(limit, 1), releaseAtMost)
	streams := []string{
		string(domain.UserDisabled{User: user}.Stream()),
		string(domain.UserSignedIn{User: user}.Stream()),
		string(domain.WalletStream(user)),
	}
	records, err := many(ctx, f.queries, "the private lane", scanBare, selectPrivate, streams, after, upTo, limit)
	if err != nil {
		return nil, err
	}
	if err := f.decode(ctx, records); err != nil {
		return nil, fmt.Errorf("read the private lane: %w", err)
	}
	var deltas []Delta
	for _, r := range slices.Backward(records) {
		for _, d := range DeltasOf(r) {
			if d.To == user {
				deltas = append(deltas, d)
			}
		}
	}
	return deltas, f.profiles.fill(ctx, deltas, false)
}

// scanBare reads an event without its metadata.
func scanBare(row pgx.CollectableRow) (r eventstore.Recorded, err error) {
	err = row.Scan(&r.Position, &r.Stream, &r.Version, &r.ID, &r.Type, &r.Payload, &r.RecordedAt)
	r.RecordedAt = r.RecordedAt.UTC()
	return r, err
}

// checkpoint is where the tables are.
type checkpoint struct {
	position, generation int64
}

func scanCheckpoint(row pgx.CollectableRow) (c checkpoint, err error) {
	err = row.Scan(&c.position, &c.generation)
	return c, err
}
