package eventstore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/internal/sqltemplate"
)

// Bounds of one read, as numbers of events.
const (
	defaultLimit = 1000
	maxLimit     = 5000
	maxReadAhead = 10_000 // maximum number of events for which memory is allocated before their number is known
)

// Query selects events of the log.
type Query struct {
	After int64         // only events after this position
	UpTo  int64         // only events up to this position; 0: up to the end of the log
	Limit int           // maximum number of events to read; 0: 1000; never more than 5000
	Types []string      // only events with these types as stored in the log; nil: all types
	Live  domain.LiveID // only events of this live; 0: all lives
	User  domain.UserID // only events about this user, see domain.UserEvent; 0: all users

	Stream domain.Stream // only events of this stream; "": all streams

	// History is the number of the history to which the position After belongs, see History. If the log has another
	// history, or ends before After, Read fails with ErrCursorLost. 0: this is not checked.
	History int64
}

// Page is the result of a query.
type Page struct {
	Events []Record
	Next   int64 // position for After of the next query; it increases even if no event matches
	Head   int64 // position of the newest event of the log when the page was read
}

// Head returns the position of the newest event, or 0 if the log is empty.
func (s *Store) Head(ctx context.Context) (int64, error) {
	var h head
	expected := s.history.known()
	if err := h.scan(s.pool.QueryRow(ctx, selectHead, expected.position)); err != nil {
		return 0, fmt.Errorf("read the head of the log: %w", err)
	}
	if err := s.compare(ctx, expected, h); err != nil && !errors.Is(err, ErrCursorLost) {
		return 0, fmt.Errorf("read the head of the log: %w", err)
	}
	return h.position, nil
}

// Read returns the decoded events that q selects, in order. An event that this program cannot decode is returned with a
// Fault and without an Event, so that no event is skipped silently. Such an event is returned for every Query.User,
// because its user is unknown.
func (s *Store) Read(ctx context.Context, q Query) (Page, error) {
	page, err := s.read(ctx, q)
	if err != nil {
		return Page{}, err
	}
	return s.selected(ctx, page, q)
}

// selected decodes the events of a page and returns it without those that q does not select: the statement applies only one
// filter.
func (s *Store) selected(ctx context.Context, page Page, q Query) (Page, error) {
	page.Events = slices.DeleteFunc(page.Events, func(r Record) bool {
		return len(q.Types) > 0 && !slices.Contains(q.Types, r.Type) || q.Live != 0 && r.LiveID != q.Live
	})
	if err := s.decodeAll(ctx, page.Events); err != nil {
		return Page{}, err
	}
	if q.User != 0 {
		page.Events = slices.DeleteFunc(page.Events, func(r Record) bool {
			e, ok := r.Event.(domain.UserEvent)
			return r.Fault == nil && (!ok || e.EventUser() != q.User)
		})
	}
	return page, nil
}

// statement returns the statement that reads a page, with its arguments. q must be bounded.
func (q Query) statement() (sql string, args []any) {
	args = []any{q.After, q.UpTo, q.Limit}
	switch {
	case q.Stream != "":
		return selectStreamEvents, append(args, q.Stream)
	case q.Live != 0:
		return selectLiveEvents, append(args, q.Live)
	case len(q.Types) > 0:
		return selectTypedEvents, append(args, q.Types)
	}
	return selectEvents, args
}

// read returns the events that q selects without decoding them, in one round trip.
func (s *Store) read(ctx context.Context, q Query) (Page, error) {
	q = q.bounded()
	sql, args := q.statement()
	var page Page
	var h head
	expected := s.history.known()
	p := &pgx.Batch{}
	p.Queue(selectHead, expected.position).QueryRow(h.scan)
	s.queueForgotten(p)
	p.Queue(sql, args...).Query(func(rows pgx.Rows) (err error) {
		page.Events, err = pgx.CollectRows(rows, scanRecord)
		return err
	})
	if err := s.pool.SendBatch(ctx, p).Close(); err != nil {
		return Page{}, fmt.Errorf("read events after %d: %w", q.After, err)
	}
	if err := s.compare(ctx, expected, h); err != nil && !errors.Is(err, ErrCursorLost) {
		return Page{}, fmt.Errorf("read events after %d: %w", q.After, err)
	}
	if q.History != 0 && (s.History().Number != q.History || h.position < q.After) {
		return Page{}, fmt.Errorf("read events after %d: %w", q.After, ErrCursorLost)
	}
	page.Head = h.position
	// The page may contain events that were appended between the two statements.
	page.Next = max(q.After, min(page.Head, q.UpTo))
	if n := len(page.Events); n > 0 {
		last := page.Events[n-1].Position
		page.Head = max(page.Head, last)
		if page.Next = max(page.Next, last); n == q.Limit {
			page.Next = last
		}
	}
	return page, nil
}

// PositionBefore returns the position of the newest event that was recorded before a time. If there is none, it returns
// 0. final reports whether the log has a later event, so that the result cannot change any more. Where the clock of the
// database was set back, several positions fit; the result is one of them.
func (s *Store) PositionBefore(ctx context.Context, t time.Time) (position int64, final bool, err error) {
	var h head
	p := &pgx.Batch{}
	p.Queue(selectHead, 0).QueryRow(h.scan) // first: if the log grows in between, the result is not final
	p.Queue(selectPositionBefore, t).QueryRow(func(row pgx.Row) error { return row.Scan(&position) })
	if err := s.pool.SendBatch(ctx, p).Close(); err != nil {
		return 0, false, fmt.Errorf("find the position before %v: %w", t, err)
	}
	return position, position < h.position, nil
}

// Count returns the number of events with q.After < position ≤ q.UpTo that q selects. It ignores q.Limit. It does not
// support q.User, because only the payload of an event contains the user.
func (s *Store) Count(ctx context.Context, q Query) (int64, error) {
	var n int64
	sql, args := q.bounded().countStatement()
	if err := s.pool.QueryRow(ctx, sql, args).Scan(&n); err != nil {
		return 0, fmt.Errorf("count events after %d: %w", q.After, err)
	}
	return n, nil
}

// countStatement returns the statement that counts the events, with its arguments. q must be bounded.
func (q Query) countStatement() (string, pgx.NamedArgs) {
	return countEvents.With(sqltemplate.Options{"stream": q.Stream != "", "live": q.Live != 0, "types": len(q.Types) > 0}),
		pgx.NamedArgs{"after": q.After, "up_to": q.UpTo, "types": q.Types, "live": q.Live, "stream": string(q.Stream)}
}

// bounded returns q with its defaults and bounds applied.
func (q Query) bounded() Query {
	if q.Limit <= 0 {
		q.Limit = defaultLimit
	}
	q.Limit = min(q.Limit, maxLimit)
	if q.UpTo <= 0 {
		q.UpTo = math.MaxInt64
	}
	q.After = max(q.After, 0)
	q.Types = slices.Clone(q.Types)
	slices.Sort(q.Types)
	q.Types = slices.Compact(q.Types)
	return q
}

// queueForgotten queues the query for the users who were forgotten since the last call. The callback of the query drops
// the keys of these users from memory.
func (s *Store) queueForgotten(p *pgx.Batch) {
	keys := s.codec.keys
	upTo, drops := keys.known()
	p.Queue(selectForgotten, s.codec.forgetful, upTo).Query(func(rows pgx.Rows) error {
		var position int64
		var eventType string
		var payload []byte
		_, err := pgx.ForEachRow(rows, []any{&position, &eventType, &payload}, func() error {
			e, err := s.codec.parse(eventType, payload)
			if err != nil {
				return &DecodeError{position, eventType, err}
			}
			if forget, ok := e.(domain.ForgetEvent); ok {
				keys.forget(forget.ForgottenKeyOwner())
			}
			keys.forgottenUpTo(position, drops)
			return nil
		})
		return err
	})
}

// ReadStream returns at most limit decoded events of a stream with version > afterVersion, in order. limit is at most 5000.
// ReadStream fails with a *DecodeError if one of the events cannot be decoded.
func (s *Store) ReadStream(ctx context.Context, stream domain.Stream, afterVersion, limit int) ([]Record, error) {
	var found []Record
	p := &pgx.Batch{}
	s.queueForgotten(p)
	p.Queue(selectStream, stream, afterVersion, min(max(limit, 1), maxLimit)).Query(func(rows pgx.Rows) (err error) {
		found, err = pgx.CollectRows(rows, scanRecord)
		return err
	})
	if err := s.pool.SendBatch(ctx, p).Close(); err != nil {
		return nil, fmt.Errorf("read %s: %w", stream, err)
	}
	if err := s.Decode(ctx, found); err != nil {
		return nil, err
	}
	return found, nil
}

// SetAside returns the positions and streams of the events that were set aside by later events. The states of streams
// are folded without them.
func (s *Store) SetAside(ctx context.Context) (map[int64]domain.Stream, error) {
	found := make(aside)
	rows, err := s.pool.Query(ctx, selectSetAside, s.codec.asideTypes)
	if err == nil {
		err = found.read(rows, s.codec)
	}
	if err != nil {
		return nil, fmt.Errorf("read the events that were set aside: %w", err)
	}
	return found, nil
}

// ReadRawAt returns the events at the given positions, in order, in the form of ReadRaw.
func (s *Store) ReadRawAt(ctx context.Context, positions []int64) ([]Record, error) {
	rows, err := s.pool.Query(ctx, selectRawEventsAt, positions)
	if err != nil {
		return nil, fmt.Errorf("read events by position: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Record, error) { return ScanRaw(rows) })
	if err != nil {
		return nil, fmt.Errorf("read events by position: %w", err)
	}
	return found, nil
}

// ReadRaw returns at most limit events with after < position ≤ upTo, in order: the events of one live, or of all if
// live is 0. It sets neither Event nor Metadata. To decode the records, pass them to Decode.
func (s *Store) ReadRaw(ctx context.Context, live domain.LiveID, after, upTo int64, limit int) ([]Record, error) {
	sql, args := selectRawEvents, []any{after, upTo, limit}
	if live != 0 {
		sql, args = selectRawLiveEvents, append(args, live)
	}
	rows, err := s.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read events after %d: %w", after, err)
	}
	found := make([]Record, 0, min(int64(limit), max(upTo-after, 0), maxReadAhead))
	for rows.Next() {
		r, err := ScanRaw(rows)
		if err != nil {
			rows.Close()
			return nil, fmt.Errorf("read events after %d: %w", after, err)
		}
		found = append(found, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read events after %d: %w", after, err)
	}
	return found, nil
}

// ScanRaw reads the columns position, stream, version, event_id, type, payload, live_id and recorded_at of a row into a
// record. It reads the columns after these into more.
func ScanRaw(rows pgx.Rows, more ...any) (Record, error) {
	var r Record
	var live *int64
	payload := (*[]byte)(&r.Payload) // avoids that pgx parses a json.RawMessage only to copy it
	columns := append([]any{&r.Position, &r.Stream, &r.Version, &r.ID, &r.Type, payload, &live, &r.RecordedAt}, more...)
	if err := rows.Scan(columns...); err != nil {
		return r, err
	}
	if live != nil {
		r.LiveID = domain.LiveID(*live)
	}
	r.RecordedAt = r.RecordedAt.UTC()
	return r, nil
}
