package eventstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
)

// maxRead bounds one read, in events.
const maxRead = 5000

// Query says which events to read.
type Query struct {
	After int64         // read what follows this position
	UpTo  int64         // and not beyond this one; 0: to the end
	Limit int           // events to look at, at most; 0: 1000
	Types []string      // only these types, as written; nil: all
	Live  domain.LiveID // only this room; 0: all
	User  domain.UserID // only this person's doing; 0: all
}

// Page is what a query found.
type Page struct {
	Events []Recorded
	Next   int64 // the next query goes on after this position, although perhaps nothing matched
	Head   int64 // the end of the log when the page was read
}

// Head answers the newest position, 0 for an empty log.
func (s *Store) Head(ctx context.Context) (int64, error) {
	position, _, err := head(ctx, s.pool)
	return position, err
}

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func head(ctx context.Context, db querier) (int64, time.Time, error) {
	var position int64
	var at time.Time
	err := db.QueryRow(ctx, selectHead).Scan(&position, &at)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, at, fmt.Errorf("read the head of the log: %w", err)
	}
	return position, at, nil
}

// Read answers the events that q asks for, in order, ready to use. An event that cannot be decoded
// makes it fail with a *DecodeError.
func (s *Store) Read(ctx context.Context, q Query) (Page, error) {
	end, err := s.Head(ctx)
	if err != nil {
		return Page{}, err
	}
	page, err := s.read(ctx, q, end)
	if err != nil {
		return Page{}, err
	}
	if err := s.Decode(ctx, page.Events); err != nil {
		return Page{}, err
	}
	if q.User != 0 {
		matching := page.Events[:0]
		for _, r := range page.Events {
			if e, ok := r.Event.(domain.UserEvent); ok && e.ByUser() == q.User {
				matching = append(matching, r)
			}
		}
		page.Events = matching
	}
	return page, nil
}

// read answers the rows of q with their events still undecoded.
func (s *Store) read(ctx context.Context, q Query, end int64) (Page, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = 1000
	}
	limit = min(limit, maxRead)
	upTo := end
	if q.UpTo > 0 {
		upTo = min(end, q.UpTo)
	}
	sql, args := selectEvents, []any{q.After, upTo, limit}
	switch {
	case q.Live != 0:
		sql, args = selectLiveEvents, append(args, q.Live)
	case len(q.Types) > 0:
		sql, args = selectTypedEvents, append(args, q.Types)
	}
	rows, err := s.pool.Query(ctx, sql, args...)
	if err != nil {
		return Page{}, fmt.Errorf("read events after %d: %w", q.After, err)
	}
	found, err := pgx.CollectRows(rows, scanRecorded)
	if err != nil {
		return Page{}, fmt.Errorf("read events after %d: %w", q.After, err)
	}
	page := Page{Events: found, Next: max(upTo, q.After), Head: end}
	if len(found) == limit {
		page.Next = found[len(found)-1].Position
	}
	if q.Live != 0 && len(q.Types) > 0 {
		page.Events = ofTypes(found, q.Types)
	}
	return page, nil
}

func ofTypes(all []Recorded, types []string) []Recorded {
	wanted := make(map[string]bool, len(types))
	for _, t := range types {
		wanted[t] = true
	}
	matching := all[:0]
	for _, r := range all {
		if wanted[r.Type] {
			matching = append(matching, r)
		}
	}
	return matching
}

// ReadStream answers up to limit events of one stream after a version, in order, ready to use.
func (s *Store) ReadStream(ctx context.Context, stream domain.Stream, afterVersion, limit int) ([]Recorded, error) {
	rows, err := s.pool.Query(ctx, selectStream, stream, afterVersion, min(max(limit, 1), maxRead))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", stream, err)
	}
	found, err := pgx.CollectRows(rows, scanRecorded)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", stream, err)
	}
	return found, s.Decode(ctx, found)
}

// Follow calls handle with every event after a position, in order, without a gap and without a
// double, up to 1000 at a time, and goes on as the log grows. It returns handle's first error, or
// nil when ctx ends. A database that is away for a while only delays it.
func (s *Store) Follow(ctx context.Context, after int64, handle func(context.Context, []Recorded) error) error {
	for ctx.Err() == nil {
		seen := s.appended.Seen()
		page, err := s.Read(ctx, Query{After: after})
		var broken *DecodeError
		switch {
		case errors.As(err, &broken):
			return err
		case err != nil && ctx.Err() == nil:
			s.log.WarnContext(ctx, "reading the log failed, trying again", "after", after, "err", err)
			s.appended.Wait(ctx, s.appended.Seen(), s.poll)
		case err == nil && len(page.Events) > 0:
			if err := handle(ctx, page.Events); err != nil {
				return err
			}
			after = page.Next
		case err == nil:
			s.appended.Wait(ctx, seen, s.poll)
		}
	}
	return nil
}
