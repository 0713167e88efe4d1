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

// reader reads the selected events of some spans, in order. It reads one page ahead while its user works. Call close at
// the end.
type reader struct {
	events *replica.Reader
	query  eventstore.Query
	spans  []span
	page   []eventstore.Record
	ahead  *pendingPage // the next page; nil if no read has begun
}

// pendingPage is a page that a goroutine reads.
type pendingPage struct {
	done chan struct{} // closed when page and err are set
	page eventstore.Page
	err  error
}

// peek returns the next event, or nil at the end. It does not advance.
func (r *reader) peek(ctx context.Context) (*eventstore.Record, error) {
	for len(r.page) == 0 {
		if r.ahead == nil && !r.readAhead(ctx) {
			return nil, nil
		}
		next := r.ahead
		r.close()
		if next.err != nil {
			return nil, next.err
		}
		r.page, r.spans[0].after = next.page.Events, next.page.Next
		r.readAhead(ctx)
	}
	return &r.page[0], nil
}

// readAhead begins to read the next page. It reports false if there is none.
func (r *reader) readAhead(ctx context.Context) bool {
	for len(r.spans) > 0 && r.spans[0].after >= r.spans[0].upTo {
		r.spans = r.spans[1:]
	}
	if len(r.spans) == 0 {
		return false
	}
	q := r.query
	q.After, q.UpTo = r.spans[0].after, r.spans[0].upTo
	next := &pendingPage{done: make(chan struct{})}
	r.ahead = next
	go func() {
		defer close(next.done)
		next.page, next.err = r.events.Read(ctx, q)
	}()
	return true
}

// close waits until no goroutine reads. It does not cancel a read, because that would cost the connection to the database.
func (r *reader) close() {
	if r.ahead != nil {
		<-r.ahead.done
		r.ahead = nil
	}
}

func (r *reader) advance() { r.page = r.page[1:] }

// dayOf returns the day of an event, in UTC.
func dayOf(r eventstore.Record) string { return r.RecordedAt.UTC().Format(time.DateOnly) }
