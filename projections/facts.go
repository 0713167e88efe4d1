package projections

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// LiveDeltas answers the first limit deltas of a room after one position up to another, from the log: what a
// subscriber would have seen of it. KindMoved and KindModeration are not among them.
func (f *Feed) LiveDeltas(ctx context.Context, live domain.LiveID, after, upTo int64, limit int) ([]Delta, error) {
	if live == 0 || upTo <= after {
		return nil, nil
	}
	limit = min(max(limit, 1), releaseAtMost)
	var facts []Delta
	for len(facts) < limit {
		events, err := f.store.ReadRaw(ctx, live, after, upTo, limit)
		if err == nil {
			err = f.decode(ctx, events)
		}
		if err != nil {
			return nil, fmt.Errorf("read the facts of live %d: %w", live, err)
		}
		for _, r := range events {
			for _, d := range DeltasOf(r) {
				if d.Public() && len(facts) < limit {
					facts = append(facts, d)
				}
			}
		}
		if len(events) < limit {
			break // there are no more
		}
		after = events[len(events)-1].Position
	}
	return facts, f.profiles.fill(ctx, facts, false)
}

// UserDeltas answers the newest limit deltas of a person's private lane after one position up to another,
// oldest first, from the log. It costs the same however long ago after is.
func (f *Feed) UserDeltas(ctx context.Context, user domain.UserID, after, upTo int64, limit int) ([]Delta, error) {
	limit = min(max(limit, 1), releaseAtMost)
	streams := []string{
		string(domain.UserDisabled{User: user}.Stream()),
		string(domain.UserSignedIn{User: user}.Stream()),
		string(domain.WalletStream(user)),
		string(domain.DirectMessageStream(user)),
	}
	records, err := many(ctx, f.queries, "the private lane", scanBare, selectUserChannel, streams, after, upTo, limit)
	if err != nil {
		return nil, err
	}
	if err := f.decode(ctx, records); err != nil {
		return nil, fmt.Errorf("read the private lane: %w", err)
	}
	var deltas []Delta
	for _, r := range slices.Backward(records) {
		for _, d := range DeltasOf(r) {
			if d.Recipient == user {
				deltas = append(deltas, d)
			}
		}
	}
	return deltas, f.profiles.fill(ctx, deltas, false)
}

// scanBare reads an event without its metadata.
func scanBare(row pgx.CollectableRow) (r eventstore.Record, err error) {
	err = row.Scan(&r.Position, &r.Stream, &r.Version, &r.ID, &r.Type, &r.Payload, &r.RecordedAt)
	r.RecordedAt = r.RecordedAt.UTC()
	return r, err
}
