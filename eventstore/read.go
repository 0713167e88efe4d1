package eventstore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
)

// Bounds of one read, in events.
const (
	usualRead = 1000
	maxRead   = 5000
)

// Query says which events to read.
type Query struct {
	After int64         // read what follows this position
	UpTo  int64         // and not beyond this one; 0: to the end
	Limit int           // events to look at, at most; 0: 1000, and never more than 5000
	Types []string      // only these types, as written; nil: all
	Live  domain.LiveID // only this room; 0: all
	User  domain.UserID // only this person's doing; 0: all
}

// Page is what a query found.
type Page struct {
	Events []Record
	Next   int64 // the next query goes on after this position, although perhaps nothing matched
	Head   int64 // the end of the log when the page was read
}

// Head answers the newest position, 0 for an empty log.
func (s *Store) Head(ctx context.Context) (int64, error) {
	var position int64
	err := s.pool.QueryRow(ctx, selectHead).Scan(&position, nil)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("read the head of the log: %w", err)
	}
	return position, nil
}

// Read answers the events that q asks for, in order, ready to use. One that this program cannot read is among them,
// without Event but with its Fault, so that what follows can be reached and nothing is passed over in silence;
// whose doing it is cannot be known, so it is among everybody's.
func (s *Store) Read(ctx context.Context, q Query) (Page, error) {
	page, err := s.read(ctx, q)
	if err != nil {
		return Page{}, err
	}
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

// read answers the rows of q with their events still undecoded, in one round trip.
func (s *Store) read(ctx context.Context, q Query) (Page, error) {
	q = q.bounded()
	sql, args := selectEvents, []any{q.After, q.UpTo, q.Limit}
	switch {
	case q.Live != 0:
		sql, args = selectLiveEvents, append(args, q.Live)
	case len(q.Types) > 0:
		sql, args = selectTypedEvents, append(args, q.Types)
	}
	var page Page
	p := &pgx.Batch{}
	p.Queue(selectHead).QueryRow(func(row pgx.Row) error {
		if err := row.Scan(&page.Head, nil); !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		return nil
	})
	s.queueForgotten(p)
	p.Queue(sql, args...).Query(func(rows pgx.Rows) (err error) {
		page.Events, err = pgx.CollectRows(rows, scanRecorded)
		return err
	})
	if err := s.pool.SendBatch(ctx, p).Close(); err != nil {
		return Page{}, fmt.Errorf("read events after %d: %w", q.After, err)
	}
	// What was appended between the statements may be among the events.
	page.Next = max(q.After, min(page.Head, q.UpTo))
	if n := len(page.Events); n > 0 {
		last := page.Events[n-1].Position
		page.Head = max(page.Head, last)
		if page.Next = max(page.Next, last); n == q.Limit {
			page.Next = last
		}
	}
	if q.Live != 0 && len(q.Types) > 0 {
		page.Events = slices.DeleteFunc(page.Events, func(r Record) bool { return !slices.Contains(q.Types, r.Type) })
	}
	return page, nil
}

func (q Query) bounded() Query {
	if q.Limit <= 0 {
		q.Limit = usualRead
	}
	q.Limit = min(q.Limit, maxRead)
	if q.UpTo <= 0 {
		q.UpTo = math.MaxInt64
	}
	q.After = max(q.After, 0)
	q.Types = slices.Clone(q.Types)
	slices.Sort(q.Types)
	q.Types = slices.Compact(q.Types)
	return q
}

// decodeAll decodes what can be decoded.
func (s *Store) decodeAll(ctx context.Context, events []Record) error {
	err := s.Decode(ctx, events)
	var broken *DecodeError
	if errors.As(err, &broken) {
		return nil
	}
	return err
}

// queueForgotten asks who was forgotten since this process last knew, so that no remembered key
// outlives the one that was destroyed.
func (s *Store) queueForgotten(p *pgx.Batch) {
	keys := s.codec.keys
	p.Queue(selectForgotten, s.codec.gone, keys.known()).Query(func(rows pgx.Rows) error {
		var position int64
		var eventType string
		var payload []byte
		_, err := pgx.ForEachRow(rows, []any{&position, &eventType, &payload}, func() error {
			e, err := s.codec.parse(eventType, payload)
			if err != nil {
				return &DecodeError{position, eventType, err}
			}
			if gone, ok := e.(domain.ForgetEvent); ok {
				keys.forget(gone.ForgottenKeyOwner())
			}
			keys.knows(position)
			return nil
		})
		return err
	})
}

// ReadStream answers up to limit events of one stream after a version, in order, ready to use.
func (s *Store) ReadStream(ctx context.Context, stream domain.Stream, afterVersion, limit int) ([]Record, error) {
	var found []Record
	p := &pgx.Batch{}
	s.queueForgotten(p)
	p.Queue(selectStream, stream, afterVersion, min(max(limit, 1), maxRead)).Query(func(rows pgx.Rows) (err error) {
		found, err = pgx.CollectRows(rows, scanRecorded)
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
