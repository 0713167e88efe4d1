package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"roomlog/internal/wait"
)

// Follow calls handle with the events after position after, in order, without gaps and repetitions, and at most 1000 at
// a time. It continues as the log grows. The records have no Metadata. An event that this program cannot decode has a
// Fault instead of an Event. Events that a Sequencer of this Store has just committed come from memory, without a query.
//
// Follow returns the first error of handle, and nil when ctx ends. It remembers the position and the id of the newest
// event that it has read. If this event is no longer in the log, because the log has another history now, Follow
// returns ErrCursorLost; the result of History has changed before. While the database is unreachable, Follow retries.
func (s *Store) Follow(ctx context.Context, after int64, handle func(context.Context, []Record) error) error {
	return s.FollowFrom(ctx, after, uuid.Nil, handle)
}

// FollowFrom follows the log like Follow, but the caller also gives the id of the event at position after. It returns
// ErrCursorLost if the log does not contain that event. A zero id is not checked.
func (s *Store) FollowFrom(ctx context.Context, after int64, id uuid.UUID, handle func(context.Context, []Record) error) error {
	at := logReader{store: s, position: after, id: id}
	backoff := wait.Backoff{Min: firstRetry, Max: s.poll}
	for ctx.Err() == nil {
		seen := s.appended.Count()
		var err error
		events := at.recent()
		if len(events) == 0 {
			events, err = at.next(ctx)
		}
		switch {
		case errors.Is(err, ErrCursorLost):
			return err
		case err != nil && ctx.Err() != nil:
			return nil //nolint:nilerr // Follow ends with ctx
		case err != nil:
			s.log.WarnContext(ctx, "read of the log failed, retrying", slog.Int64("position", at.position), slog.Any("error", err))
			backoff.Wait(ctx)
		case len(events) > 0:
			if err := handle(ctx, events); err != nil {
				return err
			}
			at.move(events[len(events)-1])
			backoff.Reset()
		default:
			backoff.Reset()
			s.appended.Wait(ctx, seen, s.poll)
		}
	}
	return nil
}

// logReader reads the log for one call of FollowFrom. It holds the position and the id of the newest event that it has
// read.
type logReader struct {
	store    *Store
	position int64
	id       uuid.UUID // id of the event; zero until the event was read
	number   int64     // number of the history in which the event was read last; 0 if it was not read yet
}

func (r *logReader) move(e Record) { r.position, r.id = e.Position, e.ID }

// recent returns the next events from memory. It returns nothing if the events in memory do not continue the event that
// was read last.
func (r *logReader) recent() []Record {
	records, number := r.store.recent.after(event{r.position, r.id}, defaultLimit)
	if len(records) > 0 {
		r.number = number
	}
	return records
}

// Recent returns those events in memory that a Sequencer of this Store has committed and that follow the event at
// position after with this id. It does no I/O. The result is nil if the memory does not contain the next event.
func (s *Store) Recent(after int64, id uuid.UUID) []Record {
	records, _ := s.recent.after(event{after, id}, defaultLimit)
	return records
}

// next returns the next events from the database. It reads the event that was read last again, to check that the log
// still contains it.
func (r *logReader) next(ctx context.Context) ([]Record, error) {
	number := r.store.History().Number
	if r.position <= 0 {
		page, err := r.page(ctx, 0, defaultLimit)
		if err != nil {
			return nil, err
		}
		r.number = number
		r.store.recent.mark(page)
		return page, r.store.decodeAll(ctx, page)
	}
	page, err := r.page(ctx, r.position-1, defaultLimit+1)
	if err != nil {
		return nil, err
	}
	if len(page) == 0 || page[0].Position != r.position || r.id != uuid.Nil && page[0].ID != r.id {
		return nil, r.lost(ctx)
	}
	r.id, r.number = page[0].ID, number
	r.store.recent.mark(page)
	return page[1:], r.store.decodeAll(ctx, page[1:])
}

// lost begins a new history, if the event that was read last came from the log, not from the caller of FollowFrom. It
// returns an error that wraps ErrCursorLost, unless it could not compare the log.
func (r *logReader) lost(ctx context.Context) error {
	var err error
	if r.number == 0 {
		_, err = r.store.CheckHistory(ctx)
	} else {
		err = r.store.CheckEvent(ctx, r.number, r.position, r.id)
	}
	if err == nil || errors.Is(err, ErrCursorLost) {
		err = fmt.Errorf("follow the log after position %d: %w", r.position, ErrCursorLost)
	}
	return err
}

// page returns at most limit events with position > after, in one round trip. It does not decode them.
func (r *logReader) page(ctx context.Context, after int64, limit int) (page []Record, err error) {
	p := &pgx.Batch{}
	r.store.queueForgotten(p)
	p.Queue(selectRawEvents, after, int64(math.MaxInt64), limit).Query(func(rows pgx.Rows) error {
		page, err = pgx.CollectRows(rows, func(pgx.CollectableRow) (Record, error) { return ScanRaw(rows) })
		return err
	})
	if err := r.store.pool.SendBatch(ctx, p).Close(); err != nil {
		return nil, fmt.Errorf("read events after %d: %w", after, err)
	}
	return page, nil
}

// CheckEvent returns ErrCursorLost if the log does not contain an event that the caller has read in the history with
// the given number. The result of History has changed before.
func (s *Store) CheckEvent(ctx context.Context, number, position int64, id uuid.UUID) error {
	var h head
	expected := expectation{number, event{position, id}}
	if err := h.scan(s.pool.QueryRow(ctx, selectHead, position)); err != nil {
		return fmt.Errorf("look for the event at position %d: %w", position, err)
	}
	if h.has(expected) {
		return nil
	}
	return fmt.Errorf("look for the event at position %d: %w", position, s.compare(ctx, expected, h))
}
