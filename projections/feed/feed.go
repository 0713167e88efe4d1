package feed

import (
	"context"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"roomlog/eventstore"
	"roomlog/internal/wait"
	"roomlog/projections"
)

// Feed follows the log and releases deltas when the tables have applied their events. It is safe for concurrent use.
type Feed struct {
	store    *eventstore.Store
	c        Config
	tables   *tables
	pending  *pending
	profiles *profiles
	releaser *releaser
	gauges   *gaugeSender
	out      *publisher
	closed   chan struct{} // Run has ended
}

// New returns a Feed; Run starts it.
func New(store *eventstore.Store, queries *projections.Queries, c Config) *Feed {
	c.setDefaults()
	wake, out := newWakeup(), newPublisher(c)
	f := &Feed{
		store: store, c: c, out: out, closed: make(chan struct{}),
		tables: newTables(queries, wake), pending: newPending(c.MaxPending, wake), profiles: newProfiles(queries, c.ProfileCache),
		gauges: newGaugeSender(queries, out, c),
	}
	f.releaser = &releaser{
		c: c, projected: store.Projected(), wake: wake,
		tables: f.tables, pending: f.pending, profiles: f.profiles, out: out, gauges: f.gauges,
	}
	return f
}

// Run follows the log from the checkpoint of the tables until ctx ends, and then returns nil. It fails with
// eventstore.ErrCursorLost when the log was restored to an earlier state. When Run returns, all subscriptions end. Run
// may be called once.
func (f *Feed) Run(ctx context.Context) error {
	defer func() {
		close(f.closed)
		f.out.close()
	}()
	start, ok := f.start(ctx)
	if !ok {
		return nil
	}
	f.out.begin(start)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return f.follow(ctx, start) })
	g.Go(func() error { f.releaser.listen(ctx); return nil })
	g.Go(func() error { f.releaser.run(ctx); return nil })
	g.Go(func() error { f.gauges.run(ctx); return nil })
	return g.Wait()
}

// start reads the checkpoint and retries after errors. It reports false when ctx has ended.
func (f *Feed) start(ctx context.Context) (int64, bool) {
	var backoff wait.Backoff
	for ctx.Err() == nil {
		position, err := f.tables.read(ctx)
		if err == nil {
			return position, true
		}
		if ctx.Err() == nil {
			f.c.Log.WarnContext(ctx, "feed: reading the checkpoint failed, retrying", slog.Any("error", err))
		}
		backoff.Wait(ctx)
	}
	return 0, false
}

// follow adds the events after a position to the pending ones, until ctx ends.
func (f *Feed) follow(ctx context.Context, after int64) error {
	return f.store.Follow(ctx, after, func(ctx context.Context, events []eventstore.Record) error {
		for _, r := range events {
			if r.Fault != nil { // the projector decides whether that matters
				f.c.Log.ErrorContext(ctx, "feed: event skipped", slog.Int64("position", r.Position), slog.Any("error", r.Fault))
			}
		}
		f.pending.add(ctx, events)
		return nil
	})
}

// Checkpoint returns the position up to which everything has been released.
func (f *Feed) Checkpoint() int64 { return f.out.released.Load() }

// WaitFor blocks until the tables have reached position. The feed must be running; WaitFor fails with ErrEnded when it
// ends.
func (f *Feed) WaitFor(ctx context.Context, position int64) error {
	return f.tables.waitFor(ctx, position, f.closed)
}

// Subscribe returns a channel of all batches from now on. It blocks until the feed has read its starting position;
// Checkpoint then returns it. The channel closes when ctx ends or the feed ends. It also closes when the subscriber has
// read nothing for Config.SubscriberTimeout while its queue was full; the subscriber then has missed batches and must
// start again.
func (f *Feed) Subscribe(ctx context.Context) (<-chan Batch, error) { return f.out.subscribe(ctx) }
