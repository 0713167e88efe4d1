package hub

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"roomlog/domain"
	"roomlog/internal/tracing"
	"roomlog/internal/wait"
	"roomlog/projections"
	"roomlog/projections/feed"
)

// resubscribeDelay is the pause before the hub subscribes again after the feed ended its subscription.
const resubscribeDelay = 100 * time.Millisecond

var errSubscriptionEnded = errors.New("the subscription to the feed has ended")

// deliverer delivers the deltas and gauges of the feed to the subscribers, followers and clients in the registry. One
// goroutine delivers the batches in order. It never waits for a client or for the database.
type deliverer struct {
	feed      Feed
	history   func() int64                             // returns the number of the history of the log that this process knows
	head      func(ctx context.Context) (int64, error) // returns the position of the newest event of the log
	log       *slog.Logger
	tracer    *tracing.Tracer // records when deltas are delivered; nil: nothing is recorded
	registry  *registry
	presence  *presence
	watcher   *sessionWatcher
	announcer *announcer
	access    *accessWatcher

	profiles atomic.Int64  // number of profiles that have changed or were erased
	position atomic.Int64  // the position in the registry, for readers that do not lock the registry
	ready    chan struct{} // closed when the first subscription to the feed has begun
	advanced chan struct{} // closed when position increases while awaited is set; guarded by registry.mu
	awaited  bool          // whether somebody waits for advanced; guarded by registry.mu
}

func newDeliverer(c Config, r *registry, p *presence, w *sessionWatcher, a *announcer, rights *accessWatcher) *deliverer {
	return &deliverer{
		feed: c.Feed, history: func() int64 { return c.Store.History().Number }, head: c.Store.Head, log: c.Log, tracer: c.Tracer, registry: r, presence: p, watcher: w, announcer: a, access: rights,
		ready: make(chan struct{}), advanced: make(chan struct{}),
	}
}

// run delivers the feed until ctx ends. It subscribes again when a subscription ends.
func (v *deliverer) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := v.follow(ctx); err != nil && ctx.Err() == nil && !v.historyChanged() {
			v.log.Log(ctx, LevelOf(err), "feed subscription lost, resubscribing", slog.Any("error", err))
			wait.Sleep(ctx, resubscribeDelay)
		}
	}
	return nil
}

// historyChanged reports whether the log has another history, so that the feed has begun again.
func (v *deliverer) historyChanged() bool {
	v.registry.mu.Lock()
	defer v.registry.mu.Unlock()
	return v.feed.History() != v.registry.history
}

// follow delivers the batches of one subscription until it ends.
func (v *deliverer) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the subscription, because a subscription that is not read delays the feed
	batches, err := v.feed.Subscribe(ctx)
	if err != nil {
		return err
	}
	history := v.feed.History()
	at := v.feed.Checkpoint()
	for _, f := range v.registry.allFollowers() {
		if err := f.Load(ctx, at); err != nil {
			return err
		}
	}
	if v.feed.History() != history {
		return errSubscriptionEnded
	}
	v.begin(ctx, history, at)
	for b := range batches {
		v.deliverBatch(ctx, b)
	}
	return errSubscriptionEnded
}

// begin handles the start of a subscription to the feed. The first batch of the subscription follows position. begin
// resets all receivers if deltas up to position were missed. If the subscription belongs to another history, all
// receivers start again.
func (v *deliverer) begin(ctx context.Context, history, position int64) {
	v.registry.mu.Lock()
	defer v.registry.mu.Unlock()
	select {
	case <-v.ready:
	default: // before the first subscription nothing can be missed
		v.registry.history = history
		v.advance(max(position, v.registry.position))
		close(v.ready)
		return
	}
	if history == v.registry.history {
		v.skipTo(ctx, position)
		return
	}
	v.log.WarnContext(ctx, "log has another history, clients get snapshots",
		slog.Int64("lost_position", v.registry.position), slog.Int64("position", position))
	v.registry.historyChanged(history, position)
	v.access.historyChanged()
	v.presence.historyChanged()
	v.advance(position)
}

// skipTo resets all subscribers, clients and followers if deltas up to position were missed.
func (v *deliverer) skipTo(ctx context.Context, position int64) {
	if position <= v.registry.position {
		return
	}
	v.log.WarnContext(ctx, "deltas were missed, clients must reconnect",
		slog.Int64("position", v.registry.position), slog.Int64("count", position-v.registry.position))
	v.registry.resetAll()
	v.advance(position)
}

func (v *deliverer) deliverBatch(ctx context.Context, b feed.Batch) {
	v.registry.mu.Lock()
	defer v.registry.mu.Unlock()
	v.skipTo(ctx, b.After)
	delivered := v.registry.position
	for _, d := range b.Deltas {
		if d.Position <= delivered {
			continue
		}
		if v.tracer.Sampled(d.EventID) && v.registry.receives(d) {
			begun := v.tracer.Now()
			v.deliver(d)
			v.tracer.Pushed(d.Traced(), d.Kind, begun, v.tracer.Now())
			continue
		}
		v.deliver(d)
	}
	for _, g := range b.Gauges {
		for s := range v.registry.subscribers[g.Live] {
			s.DeliverGauges(g)
		}
	}
	v.advance(max(b.Checkpoint, delivered))
}

// deliver delivers one delta to its subscribers, to the followers and to the clients of its recipient.
func (v *deliverer) deliver(d projections.Delta) {
	switch d.Event.(type) {
	case domain.UserProfileChanged:
		v.profiles.Add(1)
	case domain.UserForgotten:
		v.profiles.Add(1)
		v.registry.userForgotten()
	}
	v.registry.deliverToSubscribers(d)
	for _, f := range v.registry.followers {
		f.Deliver(d.Position-1, d)
	}
	v.announcer.observe(d.Event)
	v.access.observe(d)
	switch {
	case d.Recipient != 0:
		for c := range v.registry.clients[d.Recipient] {
			c.DeliverPrivate(d)
			v.watcher.observe(c, d)
		}
		v.registry.moderate(d)
	case d.Kind == projections.KindModeration:
		v.registry.moderate(d)
	default:
		v.presence.observe(d)
	}
}

// advance records that all deltas up to position have been delivered, and wakes the callers of waitFor.
func (v *deliverer) advance(position int64) {
	for _, f := range v.registry.followers {
		f.Deliver(position)
	}
	v.registry.position = position
	v.position.Store(position)
	if v.awaited {
		close(v.advanced)
		v.advanced, v.awaited = make(chan struct{}), false
	}
}

// waitForHead blocks until all deltas of the events that are in the log now have been delivered.
func (v *deliverer) waitForHead(ctx context.Context) error {
	head, err := v.head(ctx)
	if err != nil {
		return err
	}
	return v.waitFor(ctx, head)
}

// waitReady blocks until the first subscription to the feed has begun.
func (v *deliverer) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, tablesTimeout)
	defer cancel()
	select {
	case <-v.ready:
		return nil
	case <-ctx.Done():
		return projections.ErrBehind
	}
}

// waitFor blocks until all deltas up to position have been delivered, in the history of the log that this process
// knows.
func (v *deliverer) waitFor(ctx context.Context, position int64) error {
	ctx, cancel := context.WithTimeout(ctx, tablesTimeout)
	defer cancel()
	for {
		v.registry.mu.Lock()
		reached, advanced := v.registry.position >= position && v.registry.history == v.history(), v.advanced
		v.awaited = v.awaited || !reached
		v.registry.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-advanced:
		case <-ctx.Done():
			return projections.ErrBehind
		}
	}
}
