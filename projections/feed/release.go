package feed

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/wait"
	"roomlog/projections"
)

// idleInterval is the longest wait for a notification.
const idleInterval = time.Hour

// A releaser publishes the deltas of pending events: of comments and gifts at once, of other events when the tables have
// applied them.
type releaser struct {
	c          Config
	checkEvent func(ctx context.Context, number, position int64, id uuid.UUID) error // the method eventstore.Store.CheckEvent
	now        func() time.Time
	projected  *wait.Signal // notified when the tables may have changed
	wake       wakeup
	tables     *tables
	pending    *pending
	lead       *lead
	profiles   *profiles
	out        *publisher
	gauges     *gaugeSender
	last       eventstore.Record // the newest event that was released
}

// listen passes on notifications about the tables until ctx ends.
func (r *releaser) listen(ctx context.Context) {
	for seen := r.projected.Count(); ctx.Err() == nil; {
		now := r.projected.Wait(ctx, seen, idleInterval)
		if now != seen {
			r.wake.notify()
		}
		seen = now
	}
}

// run releases deltas until ctx ends, and then returns nil. If the log does not contain a pending event any more, it
// returns eventstore.ErrCursorLost.
func (r *releaser) run(ctx context.Context) error {
	poll := time.NewTimer(idleInterval)
	defer poll.Stop()
	for ctx.Err() == nil {
		next := idleInterval
		if r.waiting() {
			err := r.releaseOnce(ctx)
			switch {
			case errors.Is(err, eventstore.ErrCursorLost):
				return err
			case err != nil && ctx.Err() == nil:
				r.c.Log.WarnContext(ctx, "feed: releasing failed, retrying", slog.Any("error", err))
			}
			if r.waiting() {
				next = r.c.CheckpointPoll
			}
		}
		poll.Reset(next)
		select {
		case <-r.wake:
		case <-poll.C:
		case <-ctx.Done():
		}
	}
	return nil
}

// waiting reports whether pending events, events that were released early, or callers of WaitFor wait for the tables.
func (r *releaser) waiting() bool {
	return r.pending.size() > 0 || r.lead.open() || r.tables.awaited()
}

// releaseOnce publishes the deltas of pending events that need not wait for the tables. Then it reads the checkpoint,
// and publishes the deltas of all pending events up to it, and of those behind it that need not wait.
func (r *releaser) releaseOnce(ctx context.Context) error {
	if err := r.releaseEarly(ctx); err != nil {
		return err
	}
	newest := r.pending.newest()
	if newest.Position == 0 {
		newest = r.last
	}
	position, err := r.tables.read(ctx, newest)
	if errors.Is(err, eventstore.ErrCursorLost) {
		return r.checkEvent(ctx, r.out.history.Load(), newest.Position, newest.ID)
	}
	if err != nil {
		return err
	}
	r.lead.reached(position)
	for events := r.pending.upTo(position); len(events) > 0; events = r.pending.upTo(position) {
		applied, err := r.tables.applied(ctx, events)
		if err != nil {
			return err
		}
		if err := r.release(ctx, events, applied); err != nil {
			return err
		}
	}
	return r.releaseEarly(ctx)
}

// releaseEarly publishes the deltas of the oldest pending events as long as they need not wait for the tables. It does
// nothing while the tables are far behind.
func (r *releaser) releaseEarly(ctx context.Context) error {
	for {
		now := r.now()
		events := r.pending.while(r.mayLead)
		if len(events) == 0 || r.lead.tooLong(now) {
			return nil
		}
		r.lead.add(events[len(events)-1].Position, now) // before anybody receives the deltas and then reads the tables
		if err := r.release(ctx, events, events); err != nil {
			return err
		}
	}
}

// mayLead reports whether the deltas of r may be released before the tables have applied it. A coin event may be
// released early only if this process has decided it and all coin events so far could be applied: nobody may receive a
// gift that no table will contain.
func (r *releaser) mayLead(e eventstore.Record) bool {
	if _, coins := e.Event.(domain.CoinEvent); coins && (!e.Own || r.tables.mayHold()) {
		return false
	}
	return projections.ReleasedWhenDurable(e)
}

// release removes events, which are the oldest pending events, and publishes the deltas of sent, the events among them
// that clients receive.
func (r *releaser) release(ctx context.Context, events, sent []eventstore.Record) error {
	if err := r.send(ctx, events, sent); err != nil {
		return err
	}
	r.last = events[len(events)-1]
	r.pending.drop(len(events))
	return nil
}

// send publishes a batch that covers events and contains the deltas of those that are sent.
func (r *releaser) send(ctx context.Context, events, sent []eventstore.Record) error {
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
	err = r.out.publish(ctx, Batch{Checkpoint: events[len(events)-1].Position, Deltas: deltas})
	if err == nil {
		r.gauges.add(deltas)
	}
	return err
}
