package feed

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"roomlog/eventstore"
	"roomlog/internal/pgsession"
	"roomlog/internal/wait"
	"roomlog/projections"
)

// A relay publishes the batches of one store on NATS while it holds the lock of the relay. Every process with a feed
// over NATS has one; only the process that holds the lock publishes.
type relay struct {
	c       Config
	store   *eventstore.Store
	queries *projections.Queries
	state   *relayState
}

// run takes the lock whenever no message of a relay arrives, and then publishes until it loses the lock. It returns nil
// when ctx ends.
func (r *relay) run(ctx context.Context) error {
	again := wait.Backoff{Min: r.c.RelayInterval, Max: r.c.RelayInterval}
	for ctx.Err() == nil {
		if err := r.elect(ctx); err != nil && ctx.Err() == nil {
			r.c.Log.WarnContext(ctx, "relay: not available, trying again", slog.Any("error", err))
		}
		again.Wait(ctx)
	}
	return nil
}

// elect publishes if this process can take the lock.
func (r *relay) elect(ctx context.Context) error {
	silent := r.store.Now().UnixNano() - r.state.heard.Load()
	if !r.c.NATS.IsConnected() || silent < 2*r.c.RelayInterval.Nanoseconds() {
		return nil
	}
	if other, err := relayOf(ctx, r.store.Pool()); err != nil || other != "" {
		return err
	}
	token := rand.Text()
	l, err := takeLease(ctx, r.store.Pool(), token, r.store.Now)
	if err != nil || l == nil {
		return err
	}
	r.state.set(func(s *RelayStatus) { s.Active = true })
	defer r.state.set(func(s *RelayStatus) { s.Active = false })
	r.c.Log.InfoContext(ctx, "relay: publishing released events")
	err = r.publish(ctx, l, token)
	if ctx.Err() == nil {
		r.c.Log.WarnContext(ctx, "relay: ended, another one is elected", slog.Any("error", err))
	}
	return nil
}

// errAlone means that the relay has lost NATS, which other processes may still reach.
var errAlone = errors.New("the relay has no connection to NATS")

// publish publishes from the checkpoint of the tables on until ctx ends, the lease is lost, NATS cannot be reached, or the log has
// another history.
func (r *relay) publish(ctx context.Context, l *pgsession.Lease, token string) error {
	defer l.Release(ctx)
	seen, number := r.store.HistoryChanged().Count(), r.store.History().Number
	wake := newWakeup()
	tables := newTables(r.store.Pool(), wake)
	start, err := tables.begin(ctx)
	if err != nil {
		return fmt.Errorf("read the checkpoint: %w", err)
	}
	g, ctx := errgroup.WithContext(ctx) // here, because a group that nobody waits for is never freed
	out := &broadcast{c: r.c, subject: subjectOf(r.store.ID()), token: token, tables: tables, lease: l, sent: &r.state.sent, at: point{start.Position, start.EventID}}
	rel := &releaser{
		c: r.c, now: r.store.Now, wake: wake, tables: tables, lead: &lead{limit: r.c.MaxLead}, profiles: newProfiles(r.queries, r.c.ProfileCache), out: out, relays: true,
		last: out.at, number: number, progress: out.progress,
	}
	rel.gauges = newGaugeSender(r.queries.After(func(ctx context.Context) error { return rel.upToDate(ctx, nil) }), out, r.c, r.store.Now)
	g.Go(func() error { return l.Hold(ctx) })
	g.Go(func() error { return r.beat(ctx, out) })
	g.Go(func() error { return newTail(r.store, rel).run(ctx) })
	g.Go(func() error { rel.gauges.run(ctx); return nil })
	g.Go(func() error { return watchHistory(ctx, r.store, seen) })
	return g.Wait()
}

// beat sends heartbeats until ctx ends, while the relay reads log and tables. It returns errAlone if NATS cannot be
// reached for RelayTimeout. It returns another error if the relay has not read for RelayTimeout, because feeds that
// hear it would wait for it.
func (r *relay) beat(ctx context.Context, out *broadcast) error {
	reading, end := r.store.Now(), out.end()
	for alone := time.Duration(0); ; alone += r.c.RelayInterval {
		if r.c.NATS.IsConnected() {
			alone = 0
		}
		if alone > r.c.RelayTimeout {
			return errAlone
		}
		tables, err := r.readTables(ctx)
		now := out.end()
		if err == nil && tables > now && now == end {
			err = fmt.Errorf("the tables have reached %d, the relay %d", tables, now)
		}
		end = now
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the relay ends with ctx
		case err == nil:
			reading = r.store.Now()
			out.beat(ctx)
		case r.store.Now().Sub(reading) >= r.c.RelayTimeout:
			return fmt.Errorf("the relay does not read the log: %w", err)
		}
		if !wait.Sleep(ctx, r.c.RelayInterval) {
			return nil
		}
	}
}

// readTables reads the position of the tables over the connection pool that the tail uses, too.
func (r *relay) readTables(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, r.c.RelayTimeout)
	defer cancel()
	at, err := projections.ReadCheckpoint(ctx, r.store.Pool())
	return at.Position, err
}

// watchHistory blocks until the signal HistoryChanged has a count other than seen, and then returns ErrCursorLost. It
// returns nil when ctx ends.
func watchHistory(ctx context.Context, store *eventstore.Store, seen uint64) error {
	for ctx.Err() == nil {
		if store.HistoryChanged().Wait(ctx, seen, idleInterval) != seen {
			return eventstore.ErrCursorLost
		}
	}
	return nil
}
