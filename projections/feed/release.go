package feed

import (
	"context"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

// A source releases the events of the log in order, from the one after releaser.last on. It returns nil when ctx ends,
// and eventstore.ErrCursorLost if the log no longer contains an event that the source has read. It may then have
// released some of the events that it has read. Another source may continue after it.
type source interface {
	run(ctx context.Context) error
}

// A releaser makes the deltas of events and publishes them. Only the goroutine of the current source uses it, except for
// tables, gauges and upToDate.
type releaser struct {
	c        Config
	now      func() time.Time
	wake     wakeup
	tables   *tables
	lead     *lead
	profiles *profiles
	gauges   *gaugeSender
	out      sink
	progress func(context.Context) // called when the tables have applied events that were released early; may be nil
	relays   bool                  // whether out publishes to other processes instead of the clients of this one
	ownCoins bool                  // whether coin events of this process may be released before the tables have applied them
	last     point                 // the newest event that was released
	number   int64                 // number of the history of the log to which last belongs
}

// waiting reports whether events that were released early, or callers of waitFor, wait for the tables.
func (r *releaser) waiting() bool { return r.lead.open() || r.tables.awaited() }

// upToDate blocks until the tables have applied all events that were released, ctx ends, or closed is closed.
func (r *releaser) upToDate(ctx context.Context, closed <-chan struct{}) error {
	newest := r.lead.newest.Load()
	if r.tables.has(newest) {
		return nil
	}
	return r.tables.waitFor(ctx, newest, closed)
}

// leading returns the first of events that may be released before the tables have applied them, at most releaseLimit.
// It returns nothing while the tables are too far behind.
func (r *releaser) leading(events []eventstore.Record) []eventstore.Record {
	if r.lead.tooLong(r.now()) {
		return nil
	}
	n := 0
	for n < len(events) && n < releaseLimit && r.mayLead(events[n]) {
		n++
	}
	return events[:n:n]
}

// releaseEarly publishes the deltas of events that leading has returned.
func (r *releaser) releaseEarly(ctx context.Context, events []eventstore.Record) error {
	r.lead.add(events[len(events)-1].Position, r.now()) // before anybody receives the deltas and then reads the tables
	return r.release(ctx, events, events)
}

// mayLead reports whether the deltas of e may be released before the tables have applied it. A coin event may be
// released early only if this process has decided it and all coin events so far could be applied: nobody may receive a
// gift that no table will contain.
func (r *releaser) mayLead(e eventstore.Record) bool {
	if _, coins := e.Event.(domain.CoinEvent); coins && (!e.Own || !r.ownCoins || r.tables.mayHold()) {
		return false
	}
	return projections.ReleasedWhenDurable(e)
}

// release publishes a batch that ends with the last of events. It contains only the deltas of sent, which are those of
// events that clients may receive.
func (r *releaser) release(ctx context.Context, events, sent []eventstore.Record) error {
	begun := r.c.Tracer.Now()
	r.profiles.forget(events)
	var deltas []projections.Delta
	for _, e := range sent {
		deltas = append(deltas, projections.DeltasOf(e)...)
	}
	if err := r.profiles.fill(ctx, deltas, true); err != nil {
		return err
	}
	deltas, err := r.profiles.distribute(ctx, deltas)
	if err != nil {
		return err
	}
	newest := events[len(events)-1]
	return r.publish(ctx, Batch{Checkpoint: newest.Position, EventID: newest.ID, Deltas: deltas}, begun)
}

// publish publishes a batch that begins after the last one. begun is the time at which the release began, for traces.
func (r *releaser) publish(ctx context.Context, b Batch, begun time.Time) error {
	err := r.out.publish(ctx, b)
	if err == nil {
		r.last = point{b.Checkpoint, b.EventID}
		r.gauges.add(b.Deltas)
		r.trace(b.Deltas, begun)
	}
	return err
}

// trace records that the events of deltas were released.
func (r *releaser) trace(deltas []projections.Delta, begun time.Time) {
	t := r.c.Tracer
	if t == nil {
		return
	}
	ended := t.Now()
	for i := range deltas {
		switch d := &deltas[i]; {
		case i > 0 && d.EventID == deltas[i-1].EventID:
		case r.relays:
			t.Relayed(d.Traced(), begun, ended)
		default:
			t.Released(d.Traced(), begun, ended)
		}
	}
}
