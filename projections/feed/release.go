package feed

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"roomlog/eventstore"
	"roomlog/internal/wait"
	"roomlog/projections"
)

// idleInterval is the longest wait for a notification.
const idleInterval = time.Hour

// A releaser publishes the deltas of pending events when the tables have applied these events.
type releaser struct {
	c          Config
	checkEvent func(ctx context.Context, number, position int64, id uuid.UUID) error // the method eventstore.Store.CheckEvent
	projected  *wait.Signal                                                          // notified when the tables may have changed
	wake       wakeup
	tables     *tables
	pending    *pending
	profiles   *profiles
	out        *publisher
	gauges     *gaugeSender
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

// waiting reports whether pending events or callers of WaitFor wait for the tables.
func (r *releaser) waiting() bool { return r.pending.size() > 0 || r.tables.awaited() }

// releaseOnce reads the checkpoint and publishes the deltas of all pending events up to it.
func (r *releaser) releaseOnce(ctx context.Context) error {
	newest := r.pending.newest()
	position, err := r.tables.read(ctx, newest)
	if errors.Is(err, eventstore.ErrCursorLost) {
		return r.checkEvent(ctx, r.out.history.Load(), newest.Position, newest.ID)
	}
	if err != nil {
		return err
	}
	for {
		events := r.pending.upTo(position)
		if len(events) == 0 {
			return nil
		}
		if err := r.send(ctx, events); err != nil {
			return err
		}
		r.pending.drop(len(events))
	}
}

// send publishes the deltas of events as one batch.
func (r *releaser) send(ctx context.Context, events []eventstore.Record) error {
	r.profiles.forget(events)
	applied, err := r.tables.applied(ctx, events)
	if err != nil {
		return err
	}
	var deltas []projections.Delta
	for _, e := range applied {
		deltas = append(deltas, projections.DeltasOf(e)...)
	}
	if err := r.profiles.fill(ctx, deltas, true); err != nil {
		return err
	}
	deltas, err = r.profiles.distribute(ctx, deltas)
	if err != nil {
		return err
	}
	err = r.out.publish(ctx, Batch{Checkpoint: events[len(events)-1].Position, Deltas: deltas})
	if err == nil {
		r.gauges.add(deltas)
	}
	return err
}
