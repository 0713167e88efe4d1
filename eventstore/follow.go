package eventstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// Follow calls handle with every event after a position, in order, without a gap and without a
// double, up to 1000 at a time, and goes on as the log grows. An event that this program cannot read has a Fault
// instead of an Event. It returns handle's first error; nil when ctx ends; and ErrCursorLost when the log does not
// have the event any more after which it goes on, because it was restored to an earlier day under its readers. A database that is away for a while only delays it.
func (s *Store) Follow(ctx context.Context, after int64, handle func(context.Context, []Record) error) error {
	var last uuid.UUID // the event at after, once known
	backoff := firstBackoff
	for ctx.Err() == nil {
		seen := s.appended.Count()
		page, err := s.next(ctx, after, &last)
		switch {
		case errors.Is(err, ErrCursorLost):
			return err
		case err != nil && ctx.Err() != nil:
			return nil //nolint:nilerr // the end of ctx is how following ends
		case err != nil:
			s.log.WarnContext(ctx, "reading the log failed, trying again", "after", after, "err", err)
			pause(ctx, backoff)
			backoff = min(2*backoff, s.poll)
		case len(page.Events) > 0:
			if err := handle(ctx, page.Events); err != nil {
				return err
			}
			newest := page.Events[len(page.Events)-1]
			after, last, backoff = newest.Position, newest.ID, firstBackoff
		default:
			s.appended.Wait(ctx, seen, s.poll)
		}
	}
	return nil
}

// next reads what comes after a position, making sure that the event there is still the one that
// was: the page begins with it, and it is taken off.
func (s *Store) next(ctx context.Context, after int64, last *uuid.UUID) (Page, error) {
	if after <= 0 {
		page, err := s.read(ctx, Query{})
		if err != nil {
			return page, err
		}
		return page, s.decodeAll(ctx, page.Events)
	}
	page, err := s.read(ctx, Query{After: after - 1, Limit: usualRead + 1})
	if err != nil {
		return page, err
	}
	if len(page.Events) == 0 || page.Events[0].Position != after || *last != uuid.Nil && page.Events[0].ID != *last {
		return page, fmt.Errorf("follow the log after position %d: %w", after, ErrCursorLost)
	}
	*last = page.Events[0].ID
	page.Events = page.Events[1:]
	return page, s.decodeAll(ctx, page.Events)
}
