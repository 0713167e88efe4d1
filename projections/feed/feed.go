package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"roomlog/eventstore"
	"roomlog/internal/loglimit"
	"roomlog/internal/wait"
	"roomlog/projections"
)

// Feed follows the log and releases deltas. It is safe for concurrent use.
type Feed struct {
	store   *eventstore.Store
	queries *projections.Queries
	c       Config
	current atomic.Pointer[run]
	state   relayState
	closed  chan struct{} // closed when Run has ended
}

// run is the state of a Feed that belongs to one history of the log.
type run struct {
	*releaser
	source source
	out    *publisher
}

// New returns a Feed. It does nothing until Run is called.
func New(store *eventstore.Store, queries *projections.Queries, c Config) *Feed {
	c.setDefaults()
	f := &Feed{store: store, queries: queries, c: c, closed: make(chan struct{})}
	f.state = relayState{changed: func(needed bool) {
		if c.NATS != nil {
			store.SetListening(needed || c.Listen)
		}
	}}
	f.state.status.Configured, f.state.status.Cause = c.NATS != nil, "no relay was heard yet"
	f.current.Store(f.newRun())
	return f
}

func (f *Feed) newRun() *run {
	wake, out := newWakeup(), newPublisher(f.c)
	r := &run{out: out, releaser: &releaser{
		c: f.c, now: f.store.Now, wake: wake, tables: newTables(f.store.Pool(), wake), lead: &lead{limit: f.c.MaxLead},
		profiles: newProfiles(f.queries, f.c.ProfileCache), out: out, gauges: newGaugeSender(f.queries.After(f.UpToDate), out, f.c, f.store.Now), ownCoins: true,
	}}
	if f.c.NATS != nil {
		r.source = newRelayed(f.store, r.releaser, &f.state)
	} else {
		r.source = newTail(f.store, r.releaser)
	}
	return r
}

// Run follows the log from the checkpoint of the tables until ctx ends, and then returns nil. When the history of the
// log changes, Run drops its state, ends all subscriptions and begins again at the checkpoint. When Run returns, all
// subscriptions have ended. Run may be called once.
func (f *Feed) Run(ctx context.Context) error {
	defer func() {
		close(f.closed)
		f.current.Load().out.close()
	}()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return f.runAll(ctx) })
	if f.c.NATS != nil {
		candidate := &relay{c: f.c, store: f.store, queries: f.queries, state: &f.state}
		g.Go(func() error { return candidate.run(ctx) })
	}
	return g.Wait()
}

// runAll runs with one history of the log after the other.
func (f *Feed) runAll(ctx context.Context) error {
	backoff := wait.Backoff{Max: longestRestart}
	var cause loglimit.Cause
	for {
		err := f.run(ctx, f.current.Load())
		if !errors.Is(err, eventstore.ErrCursorLost) {
			return err
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the feed ends with ctx
		}
		if cause.Changed(fmt.Errorf("history %d: %w", f.store.History().Number, err)) { // it begins again until log and tables agree
			f.c.Log.WarnContext(ctx, "feed: beginning again because the log has another history", slog.Any("error", err))
		}
		former := f.current.Swap(f.newRun())
		former.out.close()
		if former.out.history.Load() != f.store.History().Number {
			backoff.Reset()
		}
		backoff.Wait(ctx)
	}
}

// longestRestart is the longest wait before the feed begins again. It waits while the log does not contain the event of
// the checkpoint.
const longestRestart = 5 * time.Second

// run fills r until ctx ends, and then returns nil. If the history of the log changes, it returns ErrCursorLost.
func (f *Feed) run(ctx context.Context, r *run) error {
	seen := f.store.HistoryChanged().Count()
	number := f.store.History().Number
	start, ok := f.start(ctx, r)
	if !ok {
		return nil
	}
	r.last, r.number = point{start.Position, start.EventID}, number
	r.out.begin(start.Position, number)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return r.source.run(ctx) })
	g.Go(func() error { return watchHistory(ctx, f.store, seen) })
	g.Go(func() error { r.gauges.run(ctx); return nil })
	return g.Wait()
}

// start reads the checkpoint and retries after errors. It reports false if ctx has ended.
func (f *Feed) start(ctx context.Context, r *run) (projections.Checkpoint, bool) {
	var backoff wait.Backoff
	for ctx.Err() == nil {
		at, err := r.tables.begin(ctx)
		if err == nil {
			return at, true
		}
		if ctx.Err() == nil {
			f.c.Log.WarnContext(ctx, "feed: reading the checkpoint failed, retrying", slog.Any("error", err))
		}
		backoff.Wait(ctx)
	}
	return projections.Checkpoint{}, false
}

// Checkpoint returns the position up to which all deltas have been released. It decreases only when the history of the
// log changes.
func (f *Feed) Checkpoint() int64 { return f.current.Load().out.released.Load() }

// History returns the number of the history of the log to which Checkpoint belongs, see eventstore.History. It is 0
// until the feed has read its first checkpoint.
func (f *Feed) History() int64 { return f.current.Load().out.history.Load() }

// WaitFor blocks until the tables have reached position. The feed must be running. WaitFor fails with ErrEnded when the
// feed ends, and with ErrHistoryChanged when the history of the log changes.
func (f *Feed) WaitFor(ctx context.Context, position int64) error {
	r := f.current.Load()
	err := r.tables.waitFor(ctx, position, r.out.closed)
	if errors.Is(err, ErrEnded) && f.current.Load() != r {
		return fmt.Errorf("wait for the tables to reach %d: %w", position, ErrHistoryChanged)
	}
	return err
}

// UpToDate blocks until the tables have applied all events whose deltas the feed has released. It fails with
// projections.ErrBehind after Config.ReadTimeout. It returns nil if the feed has ended. See projections.Queries.After.
func (f *Feed) UpToDate(ctx context.Context) error {
	r := f.current.Load()
	within, cancel := context.WithTimeout(ctx, f.c.ReadTimeout)
	defer cancel()
	err := r.upToDate(within, r.out.closed)
	switch {
	case err == nil, errors.Is(err, ErrEnded):
		return nil
	case ctx.Err() != nil:
		return err
	}
	return fmt.Errorf("%w: %v", projections.ErrBehind, err) //nolint:errorlint // the end of the wait is not the end of the caller
}

// Relay returns where the batches come from, and whether this process is the relay.
func (f *Feed) Relay() RelayStatus { return f.state.get() }

// Subscribe returns a channel with all batches from now on. It blocks until the feed has read its first checkpoint. From
// then on Checkpoint returns its position, and History the number of its history. The channel closes when ctx ends, the
// feed ends, or the history of the log changes. It also closes if the subscriber has read nothing for
// Config.SubscriberTimeout while its queue was full. The subscriber has then missed batches and must start again.
func (f *Feed) Subscribe(ctx context.Context) (<-chan Batch, error) {
	for {
		r := f.current.Load()
		batches, err := r.out.subscribe(ctx)
		if !errors.Is(err, ErrEnded) || f.current.Load() == r {
			return batches, err
		}
	}
}
