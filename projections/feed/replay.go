package feed

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

//go:embed sql/select_user_channel.sql
var selectUserChannel string

// LiveDeltas reads public deltas of a live with after < position ≤ upTo from the log. It returns the first limit
// deltas, oldest first.
func (f *Feed) LiveDeltas(ctx context.Context, live domain.LiveID, after, upTo int64, limit int) ([]projections.Delta, error) {
	if live == 0 || upTo <= after {
		return nil, nil
	}
	limit = min(max(limit, 1), releaseLimit)
	var deltas []projections.Delta
	for len(deltas) < limit {
		events, err := f.store.ReadRaw(ctx, live, after, upTo, limit)
		if err == nil {
			err = f.decode(ctx, events)
		}
		if err != nil {
			return nil, fmt.Errorf("read the deltas of live %d: %w", live, err)
		}
		applied, err := f.current.Load().tables.applied(ctx, events)
		if err != nil {
			return nil, fmt.Errorf("read the deltas of live %d: %w", live, err)
		}
		for _, r := range applied {
			for _, d := range projections.DeltasOf(r) {
				if d.Audience == projections.AudienceLive && len(deltas) < limit {
					deltas = append(deltas, d)
				}
			}
		}
		if len(events) < limit {
			break
		}
		after = events[len(events)-1].Position
	}
	return deltas, f.current.Load().profiles.fill(ctx, deltas, false)
}

// UserStreams returns the streams of all events whose deltas reach the user channel of a user.
func UserStreams(user domain.UserID) []domain.Stream {
	return []domain.Stream{
		domain.UserDisabled{User: user}.Stream(),
		domain.UserSignedIn{User: user}.Stream(),
		domain.WalletStream(user),
		domain.DirectMessageStream(user),
	}
}

// UserDeltas reads deltas of a user's user channel with after < position ≤ upTo from the log. It returns the newest
// limit deltas, oldest first. The cost does not depend on how old after is.
func (f *Feed) UserDeltas(ctx context.Context, user domain.UserID, after, upTo int64, limit int) ([]projections.Delta, error) {
	limit = min(max(limit, 1), releaseLimit)
	rows, err := f.store.Pool().Query(ctx, selectUserChannel, UserStreams(user), after, upTo, limit)
	if err != nil {
		return nil, fmt.Errorf("read the channel of user %d: %w", user, err)
	}
	events, err := pgx.CollectRows(rows, scanRecord)
	if err == nil {
		err = f.decode(ctx, events)
	}
	if err == nil {
		events, err = f.current.Load().tables.applied(ctx, events)
	}
	if err != nil {
		return nil, fmt.Errorf("read the channel of user %d: %w", user, err)
	}
	var deltas []projections.Delta
	for _, r := range slices.Backward(events) {
		for _, d := range projections.DeltasOf(r) {
			if d.Recipient == user {
				deltas = append(deltas, d)
			}
		}
	}
	return deltas, f.current.Load().profiles.fill(ctx, deltas, false)
}

// decode decodes events in place. An event that this program cannot decode has no deltas; its Event remains nil.
func (f *Feed) decode(ctx context.Context, events []eventstore.Record) error {
	err := f.store.Decode(ctx, events)
	var undecodable *eventstore.DecodeError
	if errors.As(err, &undecodable) {
		f.c.Log.ErrorContext(ctx, "feed: event skipped", slog.Any("error", err))
		return nil
	}
	return err
}

// scanRecord reads an event without its metadata from a row.
func scanRecord(row pgx.CollectableRow) (r eventstore.Record, err error) {
	err = row.Scan(&r.Position, &r.Stream, &r.Version, &r.ID, &r.Type, &r.Payload, &r.RecordedAt)
	r.RecordedAt = r.RecordedAt.UTC()
	return r, err
}
