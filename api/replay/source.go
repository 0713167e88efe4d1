package replay

import (
	"context"
	"math"
	"time"

	"roomlog/eventstore"
	"roomlog/eventstore/place"
	"roomlog/eventstore/replica"
)

// eventsPerRead is the maximum number of events that are in memory for one reader.
const eventsPerRead = 500

// noLimit is the limit of a request without one.
const noLimit = math.MaxInt64

// The reasons why a source has no further events.
const (
	endHead  = "head"  // the source has reached the end of the log
	endUntil = "until" // the source has reached its bound
	endLimit = "limit" // the source has returned as many events as were requested
)

// source reads the events of one request.
type source struct {
	store  *eventstore.Store
	events *replica.Reader
	query  eventstore.Query // After is the position up to which the log was searched
	last   *int64           // position of the last event; nil if there is none or it is not known yet
	before time.Time        // only events before this time, if last is nil; zero: no bound
}

func newSource(c Config, request Request) *source {
	request.Query.Limit = eventsPerRead
	return &source{store: c.Store, events: c.Events, query: request.Query, last: request.Last, before: request.Before}
}

// read returns at most limit events that follow those of the last call. end is a reason why there are no further
// events, or "" if there may be more.
func (s *source) read(ctx context.Context, limit int64) (events []eventstore.Record, end string, err error) {
	bound, err := s.bound(ctx)
	if err != nil {
		return nil, "", err
	}
	if s.last != nil && s.query.After >= *s.last {
		return nil, endUntil, nil
	}
	if s.query.UpTo = 0; bound != nil {
		if s.query.UpTo = max(*bound, s.query.After); s.query.UpTo == 0 {
			return nil, endHead, nil // there is no event before the time
		}
	}
	page, err := s.events.Read(ctx, s.query)
	if err != nil {
		return nil, "", err
	}
	s.query.After = page.Next
	switch events = page.Events; {
	case int64(len(events)) >= limit:
		events = events[:limit]
		s.query.After, end = events[limit-1].Position, endLimit
	case s.last != nil && page.Next >= *s.last:
		end = endUntil
	case page.Next >= page.Head || bound != nil && page.Next >= *bound:
		end = endHead
	}
	return events, end, nil
}

// bound returns the position of the last event that may be read now, or nil if there is no bound. A time becomes a
// position when the log has an event at or after the time.
func (s *source) bound(ctx context.Context) (*int64, error) {
	if s.last != nil || s.before.IsZero() {
		return s.last, nil
	}
	position, final, err := s.store.PositionBefore(ctx, s.before)
	if err == nil && final {
		s.last = &position
	}
	return &position, err
}

// count counts the events that the source selects, up to the end of the log or up to its bound. It stops when more
// returns false, with an end of "".
func (s *source) count(ctx context.Context, more func() bool) (n int64, end string, err error) {
	if s.query.User != 0 { // only the payload contains the user
		for end == "" && more() {
			var events []eventstore.Record
			events, end, err = s.read(ctx, place.MaxPosition)
			if err != nil {
				return 0, "", err
			}
			n += int64(len(events))
		}
		return n, end, nil
	}
	bound, err := s.bound(ctx)
	if err != nil {
		return 0, "", err
	}
	q, end := s.query, endUntil
	q.Limit = 1
	page, err := s.store.Read(ctx, q) // checks the history, and finds the end of the log
	if err != nil {
		return 0, "", err
	}
	if q.UpTo = page.Head; bound != nil && *bound < page.Head {
		q.UpTo = *bound
	}
	if s.last == nil || *s.last > page.Head {
		end = endHead
	}
	if q.UpTo <= q.After {
		return 0, end, nil
	}
	s.query.After = q.UpTo
	n, err = s.events.Count(ctx, q)
	return n, end, err
}

// cursor returns the cursor of the position up to which the log was searched.
func (s *source) cursor(ctx context.Context) (string, error) {
	return cursorIn(ctx, s.store, s.query.After, s.query.History)
}

// cursorIn returns the cursor of a position in a history. It fails with ErrCursorLost if the log has another history.
func cursorIn(ctx context.Context, store *eventstore.Store, position, history int64) (string, error) {
	cursor, err := store.Cursor(ctx, position)
	if err == nil && store.History().Number != history {
		err = eventstore.ErrCursorLost
	}
	return cursor, err
}
