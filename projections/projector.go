package projections

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"roomlog/eventstore"
	"roomlog/eventstore/consumer"
	"roomlog/internal/settings"
	"roomlog/internal/tracing"
	"roomlog/internal/wait"
)

// retryInterval is the wait after a transient error.
const retryInterval = 200 * time.Millisecond

// ProjectorConfig configures a Projector.
type ProjectorConfig struct {
	Now         func() time.Time // clock; required
	Log         *slog.Logger     // receives the messages of the program; nil: none
	Pool        *pgxpool.Pool    // connections that apply the events; nil: the pool of the store
	Projections []Projection     // projections to use; nil: All
	Tracer      *tracing.Tracer  // records when events are applied; nil: nothing is recorded

	// Poll is the interval at which the log is read if no notification arrives.
	Poll time.Duration `default:"1s"`
	// HaltedRetry is the interval between attempts while the projector is halted.
	HaltedRetry time.Duration `default:"5s"`
}

// Projector keeps the read tables up to date. It applies each batch of events to all tables and moves the checkpoint in
// one transaction. Several projectors may run on one database, also in different processes; only one of them applies a
// batch at a time.
//
// An event that a projection cannot apply is written to table poison with its cause. If the event concerns coins, it
// closes the coins of the users whom it concerns, until an operator sets the event aside. The projector halts at a gap
// in the log and if another version has written the tables. It then reports the reason in Status and in its log
// messages, and retries every few seconds.
type Projector struct {
	store   *eventstore.Store
	c       ProjectorConfig
	applier *Applier
	status  statusTracker

	// Only the goroutine of project uses the fields from here on.
	history    int64 // number of the history of the log that the fields below belong to
	generation int64 // generation of the tables whose versions have been checked
	barrier    int64 // position of the event that halted the projector; 0 if there is none
	ahead      bool  // whether events before the barrier can still be applied
}

// NewProjector returns a Projector. It does nothing until Run is called.
func NewProjector(store *eventstore.Store, c ProjectorConfig) *Projector {
	settings.Defaults(&c)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Pool == nil {
		c.Pool = store.Pool()
	}
	return &Projector{
		store: store, c: c, applier: NewApplier(store, c.Projections), generation: -1,
		status: statusTracker{now: c.Now, log: c.Log, pool: c.Pool},
	}
}

// Status returns the state of the tables, at most one second old.
func (p *Projector) Status() ProjectorStatus { return p.status.get() }

// Run keeps the tables up to date until ctx ends, and then returns nil. It retries after every error.
func (p *Projector) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { p.status.run(ctx); return nil })
	g.Go(func() error { p.project(ctx); return nil })
	return g.Wait()
}

// project consumes batches of events until ctx ends.
func (p *Projector) project(ctx context.Context) {
	config := consumer.Config{
		Group: ConsumerGroup, Pool: p.c.Pool, PollInterval: p.c.Poll,
		OnError: func(err error) time.Duration { return p.failed(ctx, err) },
		OnIdle:  p.status.idle,
	}
	var begun time.Time // of the batch that is being applied
	if p.c.Tracer != nil {
		config.OnCommit = func(b *consumer.Batch) { p.trace(b.Events, begun) }
	}
	for ctx.Err() == nil {
		messages, err := consumer.Subscribe(ctx, p.store, config)
		if err != nil {
			wait.Sleep(ctx, p.failed(ctx, err))
			continue
		}
		for m := range messages {
			batch, ok := consumer.BatchOf(m)
			if !ok {
				m.Nack() // cannot happen: only the store publishes messages here
				continue
			}
			begun = p.c.Tracer.Now()
			batch.Handle(m, func(ctx context.Context, tx pgx.Tx) error {
				err := p.apply(ctx, tx, batch)
				var halt *HaltError
				p.ahead = errors.As(err, &halt) && halt.Position > batch.After+1
				if p.ahead {
					p.barrier = halt.Position
				}
				return err
			})
		}
	}
}

// trace records that a transaction, which has begun at begun, has applied events.
func (p *Projector) trace(events []eventstore.Record, begun time.Time) {
	ended := p.c.Tracer.Now()
	for i := range events {
		p.c.Tracer.Projected(events[i].Traced(), len(events), begun, ended)
	}
}

// apply updates the tables with one batch of events. If an event of the batch has halted the projector before, it
// applies only the events before that one.
func (p *Projector) apply(ctx context.Context, tx pgx.Tx, batch *consumer.Batch) error {
	if number := p.store.History().Number; number != p.history {
		p.history, p.generation, p.barrier = number, -1, 0
	}
	if ahead := p.barrier - batch.After - 1; ahead > 0 && ahead < int64(len(batch.Events)) {
		batch.Truncate(int(ahead))
	}
	if err := CheckContiguous(batch.Events, batch.After); err != nil {
		return err
	}
	// At the beginning of the log, the recorded versions may have been lost with a failed commit.
	if batch.Generation != p.generation || batch.After == 0 {
		if err := p.applier.CheckVersions(ctx, tx, batch.After); err != nil {
			return err
		}
	}
	poison, err := p.applier.Decode(ctx, batch.Events)
	if err != nil {
		return err
	}
	poisoned, err := p.applier.Apply(ctx, tx, batch.Events, poison)
	if err != nil {
		return err
	}
	if err := eraseOthers(ctx, tx, batch.Events); err != nil {
		return err
	}
	if poisoned > 0 {
		p.c.Log.ErrorContext(ctx, "events cannot be applied, run: roomlog events list", slog.Int("count", poisoned))
	}
	p.generation = batch.Generation
	if last := batch.Events[len(batch.Events)-1].Position; last >= p.barrier {
		p.barrier = 0
		p.status.resumed()
	}
	return nil
}

// failed logs an error and returns how long to wait before the next attempt.
func (p *Projector) failed(ctx context.Context, err error) time.Duration {
	if isCanceled(ctx, err) {
		return 0
	}
	if isTransient(err) {
		p.c.Log.WarnContext(ctx, "projecting failed, retrying", slog.Any("error", err))
		return retryInterval
	}
	p.status.halted(ctx, err)
	if p.ahead { // the events before the barrier can be applied without a wait
		return 0
	}
	return p.c.HaltedRetry
}
