package feed

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"roomlog/eventstore"
)

// A tail is the source that reads the log and the checkpoint of the tables in PostgreSQL. It releases the events for
// which mayLead reports true at once, and other events when the tables have applied them.
type tail struct {
	*releaser
	store   *eventstore.Store
	pending *pending
	target  int64 // position at which run ends; 0: none

	announced int64 // position of the tables for which progress was called last
}

func newTail(store *eventstore.Store, r *releaser) *tail {
	return &tail{releaser: r, store: store, pending: newPending(r.c.MaxPending, r.wake)}
}

// errReached ends a tail that has reached its target.
var errReached = errors.New("the position is reached")

// until releases the events up to a position.
func (t *tail) until(ctx context.Context, position int64) error {
	t.target = position
	defer func() { t.target = 0 }()
	err := t.run(ctx)
	if errors.Is(err, errReached) {
		return nil
	}
	return err
}

// run releases the events after the newest one that was released. It returns nil when ctx ends, and errReached when
// target is reached.
func (t *tail) run(ctx context.Context) error {
	if t.target > 0 && t.last.position >= t.target {
		return errReached
	}
	from := t.last
	t.pending.clear()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return t.follow(ctx, from) })
	g.Go(func() error { forward(ctx, t.store.Projected(), t.wake); return nil })
	g.Go(func() error { return t.releaseAll(ctx) })
	return g.Wait()
}

// follow adds the events after from to the pending events, until ctx ends.
func (t *tail) follow(ctx context.Context, from point) error {
	return t.store.FollowFrom(ctx, from.position, from.id, func(ctx context.Context, events []eventstore.Record) error {
		for _, e := range events {
			if e.Fault != nil { // ignored here: the projector decides what an unreadable event means
				t.c.Log.ErrorContext(ctx, "feed: event skipped", slog.Int64("position", e.Position), slog.Any("error", e.Fault))
			}
		}
		t.pending.add(ctx, events)
		return nil
	})
}

// releaseAll releases deltas until ctx ends, and then returns nil. If the log does not contain a pending event any more, it
// returns eventstore.ErrCursorLost.
func (t *tail) releaseAll(ctx context.Context) error {
	poll := time.NewTimer(idleInterval)
	defer poll.Stop()
	for ctx.Err() == nil {
		next := idleInterval
		if t.pending.size() > 0 || t.waiting() {
			err := t.releaseOnce(ctx)
			switch {
			case errors.Is(err, eventstore.ErrCursorLost):
				return err
			case err != nil && ctx.Err() == nil:
				t.c.Log.WarnContext(ctx, "feed: releasing failed, retrying", slog.Any("error", err))
			}
			if t.pending.size() > 0 || t.waiting() {
				next = t.c.CheckpointPoll
			}
		}
		if t.target > 0 && t.last.position >= t.target {
			return errReached
		}
		poll.Reset(next)
		select {
		case <-t.wake:
		case <-poll.C:
		case <-ctx.Done():
		}
	}
	return nil
}

// releaseOnce publishes the deltas of pending events that need not wait for the tables. Then it reads the checkpoint,
// and publishes the deltas of all pending events up to it, and of those behind it that need not wait.
func (t *tail) releaseOnce(ctx context.Context) error {
	if err := t.releasePending(ctx); err != nil {
		return err
	}
	newest := t.last
	if e := t.pending.newest(); e.Position > 0 {
		newest = point{e.Position, e.ID}
	}
	position, err := t.tables.read(ctx, newest)
	if errors.Is(err, eventstore.ErrCursorLost) {
		return t.store.CheckEvent(ctx, t.number, newest.position, newest.id)
	}
	if err != nil {
		return err
	}
	early := t.lead.open()
	t.lead.reached(position)
	if early && t.progress != nil && position > t.announced {
		t.announced = position
		t.progress(ctx)
	}
	for events := t.pending.upTo(position); len(events) > 0; events = t.pending.upTo(position) {
		applied, err := t.tables.applied(ctx, events)
		if err != nil {
			return err
		}
		if err := t.release(ctx, events, applied); err != nil {
			return err
		}
		t.pending.drop(len(events))
	}
	return t.releasePending(ctx)
}

// releasePending publishes the deltas of the oldest pending events as long as they need not wait for the tables.
func (t *tail) releasePending(ctx context.Context) error {
	for {
		events := t.leading(t.pending.oldest())
		if len(events) == 0 {
			return nil
		}
		if err := t.releaseEarly(ctx, events); err != nil {
			return err
		}
		t.pending.drop(len(events))
	}
}
