package export

import (
	"context"
	"time"

	"roomlog/eventstore"
	"roomlog/eventstore/replica"
)

// pageEvents is the number of events of one read.
const pageEvents = 1000

// span is a range of positions: after < position ≤ upTo.
type span struct{ after, upTo int64 }

// reader reads the selected events of some spans, in order.
type reader struct {
	events *replica.Reader
	query  eventstore.Query
	spans  []span
	page   []eventstore.Record
}

// peek returns the next event, or nil at the end. It does not advance.
func (r *reader) peek(ctx context.Context) (*eventstore.Record, error) {
	for len(r.page) == 0 {
		if len(r.spans) == 0 {
			return nil, nil
		}
		s := &r.spans[0]
		if s.after >= s.upTo {
			r.spans = r.spans[1:]
			continue
		}
		r.query.After, r.query.UpTo = s.after, s.upTo
		page, err := r.events.Read(ctx, r.query)
		if err != nil {
			return nil, err
		}
		r.page, s.after = page.Events, page.Next
	}
	return &r.page[0], nil
}

func (r *reader) advance() { r.page = r.page[1:] }

// dayOf returns the day of an event, in UTC.
func dayOf(r eventstore.Record) string { return r.RecordedAt.UTC().Format(time.DateOnly) }
