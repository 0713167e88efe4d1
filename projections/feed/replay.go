package feed

import (
	"cmp"
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

var (
	//go:embed sql/select_user_channel.sql
	selectUserChannel string
	//go:embed sql/select_more_events.sql
	selectMoreEvents string
	//go:embed sql/select_viewer_events.sql
	selectViewerEvents string
)

// ErrTooMany is returned by LiveDeltas if the log contains more than Config.MaxViewerEvents profile changes in the
// range. Use a snapshot instead.
var ErrTooMany = errors.New("too many changes to read them from the log")

// LiveDeltas reads public deltas of a live with after < position ≤ upTo from the log. It returns the first limit
// deltas, oldest first. Comments that were removed are marked. A change of a user, such as a new nickname, concerns all
// lives of the user. LiveDeltas returns such a change only if the user is in the live now and has been in it since
// before the change. It returns ErrTooMany if the log contains more than Config.MaxViewerEvents such changes of all
// users.
func (f *Feed) LiveDeltas(ctx context.Context, live domain.LiveID, after, upTo int64, limit int) ([]projections.Delta, error) {
	if live == 0 || upTo <= after {
		return nil, nil
	}
	limit = min(max(limit, 1), releaseLimit)
	if err := f.UpToDate(ctx); err != nil {
		return nil, fmt.Errorf("read the deltas of live %d: %w", live, err)
	}
	deltas, err := f.readLive(ctx, live, after, upTo, limit)
	if err == nil && len(deltas) == limit {
		upTo = deltas[limit-1].Position
	}
	var ofViewers []projections.Delta
	if err == nil {
		ofViewers, err = f.readViewers(ctx, live, after, upTo, limit)
	}
	if err != nil {
		return nil, fmt.Errorf("read the deltas of live %d: %w", live, err)
	}
	if len(ofViewers) > 0 {
		deltas = append(deltas, ofViewers...)
		slices.SortStableFunc(deltas, func(a, b projections.Delta) int { return cmp.Compare(a.Position, b.Position) })
		deltas = deltas[:min(len(deltas), limit)]
	}
	if err := f.queries.MarkRemoved(ctx, deltas); err != nil {
		return nil, fmt.Errorf("read the deltas of live %d: %w", live, err)
	}
	return deltas, f.current.Load().profiles.fill(ctx, deltas, false)
}

// readLive returns the first limit public deltas of the events of a live, without profiles.
func (f *Feed) readLive(ctx context.Context, live domain.LiveID, after, upTo int64, limit int) (deltas []projections.Delta, err error) {
	for len(deltas) < limit {
		events, err := f.store.ReadRaw(ctx, live, after, upTo, limit)
		if err == nil {
			err = f.decode(ctx, events)
		}
		if err != nil {
			return nil, err
		}
		applied, err := f.current.Load().tables.applied(ctx, events)
		if err != nil {
			return nil, err
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
	return deltas, nil
}

// readViewers returns deltas of the viewers of a live that belong to all lives of a user, without profiles. Of several
// deltas of one user up to upTo, it returns only the newest. It returns the first limit deltas.
func (f *Feed) readViewers(ctx context.Context, live domain.LiveID, after, upTo int64, limit int) ([]projections.Delta, error) {
	pool, types := f.current.Load().tables.pool, viewerEvents()
	if upTo-after > f.c.MaxViewerEvents {
		var more bool
		if err := pool.QueryRow(ctx, selectMoreEvents, types, after, upTo, f.c.MaxViewerEvents).Scan(&more); err != nil {
			return nil, err
		}
		if more {
			return nil, ErrTooMany
		}
	}
	rows, err := pool.Query(ctx, selectViewerEvents, live, types, after, upTo, limit, f.c.MaxViewerEvents)
	if err != nil {
		return nil, err
	}
	events, err := pgx.CollectRows(rows, scanRecord)
	if err == nil {
		err = f.decode(ctx, events)
	}
	if err != nil {
		return nil, err
	}
	var deltas []projections.Delta
	for _, r := range events {
		for _, d := range projections.DeltasOf(r) {
			if d.LivesOfUser() {
				d.Live = live
				deltas = append(deltas, d)
			}
		}
	}
	return deltas, nil
}

// viewerEvents returns the types of the events whose deltas belong to all lives of a user.
func viewerEvents() (types []string) {
	for _, s := range projections.DeltaSpecs() {
		if s.LivesOfUser {
			types = append(types, s.Event)
		}
	}
	return types
}

// UserStreams returns the streams of all events whose deltas reach the user channel of a user.
func UserStreams(user domain.UserID) []domain.Stream {
	return []domain.Stream{
		domain.UserDisabled{User: user}.Stream(),
		domain.UserSignedIn{User: user}.Stream(),
		domain.WalletStream(user),
		domain.DirectMessageStream(user),
		domain.ViewerWarned{User: user}.Stream(),
		domain.FollowsStream(user),
	}
}

// UserDeltas reads deltas of a user's user channel with after < position ≤ upTo from the log. It returns the newest
// limit deltas, oldest first. The cost does not depend on how old after is.
func (f *Feed) UserDeltas(ctx context.Context, user domain.UserID, after, upTo int64, limit int) ([]projections.Delta, error) {
	limit = min(max(limit, 1), releaseLimit)
	if err := f.UpToDate(ctx); err != nil {
		return nil, fmt.Errorf("read the channel of user %d: %w", user, err)
	}
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
