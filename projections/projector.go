package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/consumer"
)

// Defaults of a projector.
const (
	statusEvery = time.Second     // how old a status is at most
	haltedRetry = 5 * time.Second // a mended program goes on by itself; a broken one does not keep the database busy
	busyRetry   = 200 * time.Millisecond
	logAgain    = time.Minute // a halted projector says so again and again
)

// ProjectorConfig says how a projector works.
type ProjectorConfig struct {
	Now         func() time.Time // for the lag in seconds; required
	Log         *slog.Logger     // nil: silent
	Pool        *pgxpool.Pool    // nil: the store's
	Projections []Projection     // nil: All
	Poll        time.Duration    // how often it looks without being woken; default 1 s
	HaltedRetry time.Duration    // how long it waits when it cannot go on; default 5 s
}

// ProjectorStatus is where a projector stands.
type ProjectorStatus struct {
	Position   int64   // the checkpoint, whoever moved it
	Head       int64   // of the log
	LagSeconds float64 // how long the oldest event that the tables lack has been in the log
	Poisoned   int64   // events set aside: see table poison
	Halted     error   // why it does not go on; nil while it does
}

// Projector moves the read tables forward: one transaction for each envelope of events, for all tables and
// the checkpoint together. Several may run on one database, also in several processes: they take turns.
//
// An event that a projection cannot take is set aside in table poison, with its cause. If the
// projection counts coins, the projector halts instead: it says so in Status and in the log, and
// tries again every few seconds, so that a mended program goes on by itself.
type Projector struct {
	store  *eventstore.Store
	c      ProjectorConfig
	folder *folder

	generation int64 // of the tables whose versions were checked; owned by Run
	barrier    int64 // the position that halted it: what comes before goes on; owned by Run
	ahead      bool  // something comes before it; owned by Run

	mu     sync.Mutex
	status ProjectorStatus // fresh every second; Halted at once
	said   time.Time       // when the log last heard of the halt
}

// NewProjector makes a projector of every projection; Run runs it.
func NewProjector(store *eventstore.Store, c ProjectorConfig) *Projector {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Pool == nil {
		c.Pool = store.Pool()
	}
	if c.Projections == nil {
		c.Projections = All
	}
	if c.HaltedRetry <= 0 {
		c.HaltedRetry = haltedRetry
	}
	return &Projector{store: store, c: c, folder: newFolder(store, c.Projections), generation: -1}
}

// Run projects until ctx ends, and then returns nil. Whatever goes wrong, it goes on as soon as it can.
func (p *Projector) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { p.watch(ctx); return nil })
	g.Go(func() error { p.project(ctx); return nil })
	return g.Wait()
}

// project reads envelopes until ctx ends.
func (p *Projector) project(ctx context.Context) {
	config := consumer.Config{
		Group: ConsumerGroup, Pool: p.c.Pool, PollInterval: p.c.Poll,
		OnError: func(err error) time.Duration { return p.failed(ctx, err) },
		OnIdle:  p.idle,
	}
	for ctx.Err() == nil {
		messages, err := consumer.Subscribe(ctx, p.store, config)
		if err != nil {
			pause(ctx, p.failed(ctx, err))
			continue
		}
		for m := range messages {
			envelope, ok := consumer.BatchOf(m)
			if !ok {
				m.Nack() // nobody else publishes here
				continue
			}
			envelope.Handle(m, func(ctx context.Context, tx pgx.Tx) error {
				err := p.take(ctx, tx, envelope)
				var halt *HaltError
				p.ahead = errors.As(err, &halt) && halt.Position > envelope.After+1
				if p.ahead {
					p.barrier = halt.Position
				}
				return err
			})
		}
	}
}

// take brings the tables up to date with one envelope.
func (p *Projector) take(ctx context.Context, tx pgx.Tx, e *consumer.Batch) error {
	if ahead := p.barrier - e.After - 1; ahead > 0 && ahead < int64(len(e.Events)) {
		e.Truncate(int(ahead))
	}
	if err := whole(e.Events, e.After); err != nil {
		return err
	}
	if e.Generation != p.generation {
		if err := p.folder.admit(ctx, tx, e.After); err != nil {
			return err
		}
	}
	aside, err := p.folder.decode(ctx, e.Events)
	if err != nil {
		return err
	}
	poisoned, err := p.folder.apply(ctx, tx, e.Events, aside)
	if err != nil {
		return err
	}
	if err := eraseOld(ctx, tx, e.Events); err != nil {
		return err
	}
	if poisoned > 0 {
		p.c.Log.ErrorContext(ctx, "events set aside", slog.Int("events", poisoned), slog.Int64("after", e.After))
	}
	p.generation = e.Generation
	if last := e.Events[len(e.Events)-1].Position; last >= p.barrier {
		p.barrier = 0
		p.mu.Lock()
		p.status.Halted, p.said = nil, time.Time{}
		p.mu.Unlock()
	}
	return nil
}

// whole makes sure that events follow a position without a hole.
func whole(events []eventstore.Record, after int64) error {
	for i, r := range events {
		if want := after + 1 + int64(i); r.Position != want {
			return &HaltError{Position: want, Err: errors.New("the log has a hole: this position is missing")}
		}
	}
	return nil
}

// admit makes sure that the tables are the ones that this program's projections write.
func (f *folder) admit(ctx context.Context, tx pgx.Tx, after int64) error {
	rows, err := tx.Query(ctx, selectVersions)
	if err != nil {
		return fmt.Errorf("read the versions of the tables: %w", err)
	}
	found := make(map[string]int)
	var name string
	var version int
	if _, err := pgx.ForEachRow(rows, []any{&name, &version}, func() error { found[name] = version; return nil }); err != nil {
		return fmt.Errorf("read the versions of the tables: %w", err)
	}
	if after == 0 && len(found) == 0 {
		return f.claim(ctx, tx)
	}
	for _, p := range f.parts {
		if found[p.Name] != p.Version {
			return &HaltError{Position: after + 1, Projection: p.Name, Err: fmt.Errorf(
				"its tables are of version %d, this program writes version %d: rebuild them, or run the program that fits", found[p.Name], p.Version)}
		}
	}
	return nil
}

// claim writes into empty tables whose they are.
func (f *folder) claim(ctx context.Context, tx pgx.Tx) error {
	var names []string
	var versions []int32
	for _, p := range f.parts {
		names, versions = append(names, p.Name), append(versions, int32(p.Version))
	}
	if _, err := tx.Exec(ctx, insertVersions, names, versions); err != nil {
		return fmt.Errorf("insert the versions of the tables: %w", err)
	}
	return nil
}

// eraseOld erases whoever is forgotten from the tables that rebuilds have replaced and not yet dropped.
func eraseOld(ctx context.Context, tx pgx.Tx, events []eventstore.Record) error {
	var forgotten []int64
	for _, r := range events {
		if e, ok := r.Event.(domain.ForgetEvent); ok {
			forgotten = append(forgotten, int64(e.ForgottenKeyOwner()))
		}
	}
	if len(forgotten) == 0 {
		return nil
	}
	old, err := replacedTables(ctx, tx)
	if err != nil {
		return err
	}
	for _, o := range old {
		b := &pgx.Batch{}
		b.Queue("SELECT set_config('search_path', $1, true)", o.schema+",public")
		for _, erase := range []string{eraseUserAccount, eraseLive, eraseComment, eraseEmail, eraseParticipant, eraseMessage} {
			b.Queue(erase, forgotten)
		}
		b.Queue("SELECT set_config('search_path', 'read,public', true)")
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return fmt.Errorf("erase people in schema %s (drop it if it is too old for this program): %w", o.schema, err)
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
