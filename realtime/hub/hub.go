package hub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/projections/feed"
)

// resubscribeDelay is the pause before the hub subscribes again after the feed ended its subscription.
const resubscribeDelay = 100 * time.Millisecond

// Hub knows the clients that are connected to this node and delivers what the feed releases to them. It is safe
// for concurrent use. One goroutine delivers the batches of the feed in order; it never waits for a client or for
// the database.
type Hub struct {
	cfg      Config
	log      *slog.Logger
	position atomic.Int64  // everything up to here has been delivered
	ready    chan struct{} // closed when the first subscription to the feed has begun
	presence *presence
	watcher  *sessionWatcher
	rates    *rates

	mu          sync.Mutex // held while a batch is delivered
	subscribers map[domain.LiveID]map[Subscriber]struct{}
	clients     map[domain.UserID]map[Client]struct{}
	dialects    []Dialect
	followers   []Follower
	advanced    chan struct{} // closed when position moves while awaited is set
	awaited     bool
}

// NewHub creates a hub. Dialects and followers are added before Run is called.
func New(cfg Config) (*Hub, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg.setDefaults()
	h := &Hub{
		cfg: cfg, log: cfg.Log, rates: newRates(cfg), presence: newPresence(cfg.Commands, cfg.Node, cfg.Log),
		ready: make(chan struct{}), advanced: make(chan struct{}),
		subscribers: make(map[domain.LiveID]map[Subscriber]struct{}),
		clients:     make(map[domain.UserID]map[Client]struct{}),
	}
	h.watcher = newSessionWatcher(h)
	return h, nil
}

// Node returns the name of this node in the log.
func (h *Hub) Node() string { return h.cfg.Node }

// Position returns the position up to which everything has been delivered.
func (h *Hub) Position() int64 { return h.position.Load() }

// Stats are the numbers of what a hub keeps.
type Stats struct {
	Lives   int // with subscribers on this node
	Users   int // with clients on this node
	Viewers int // users present in lives by this node, counted once for each live
}

// Stats returns the current numbers.
func (h *Hub) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return Stats{Lives: len(h.subscribers), Users: len(h.clients), Viewers: h.presence.count()}
}

// LargeLive returns the number of viewers above which joins and leaves are sent in batches; below 0: never.
func (h *Hub) LargeLive() int { return h.cfg.LargeLive }

// JoinBatchInterval returns the time between two batches of joins and leaves if nothing else happens.
func (h *Hub) JoinBatchInterval() time.Duration { return h.cfg.JoinBatchInterval }

// Run delivers the feed, keeps the presence of viewers in the log up to date and ends invalid sessions until ctx
// ends. The feed must run as well. Call Drain before ctx ends.
func (h *Hub) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return h.runFeed(ctx) })
	g.Go(func() error { return h.presence.run(ctx) })
	g.Go(func() error { return h.watcher.run(ctx) })
	g.Go(func() error { return AnswerSurveys(ctx, h.cfg.Store, h.log, h.cfg.Node, h.connections) })
	g.Go(func() error { return h.cfg.Store.Beat(ctx, h.cfg.Node) })
	g.Go(func() error { return newReaper(h.cfg).run(ctx) })
	return g.Wait()
}

// Drain is called before the node stops: from now on the end of a connection removes nobody from a live. A viewer
// who reconnects within PresenceGrace, to any node, was never away; the other nodes remove the rest.
func (h *Hub) Drain() { h.presence.stop() }

// runFeed delivers the feed until ctx ends. It subscribes again when a subscription ends.
func (h *Hub) runFeed(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := h.followFeed(ctx); err != nil && ctx.Err() == nil {
			h.log.ErrorContext(ctx, "feed subscription lost, resubscribing", slog.Any("error", err))
			wait(ctx, resubscribeDelay)
		}
	}
	return nil
}

// followFeed delivers the batches of one subscription until it ends.
func (h *Hub) followFeed(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // a subscription that nobody reads holds up the feed
	batches, err := h.cfg.Feed.Subscribe(ctx)
	if err != nil {
		return err
	}
	at := h.cfg.Feed.Checkpoint()
	h.mu.Lock()
	followers := h.followers
	h.mu.Unlock()
	for _, f := range followers {
		if err := f.Load(ctx, at); err != nil {
			return err
		}
	}
	h.skipTo(ctx, at)
	for b := range batches {
		h.deliverBatch(ctx, b)
	}
	return errSubscriptionEnded
}

var errSubscriptionEnded = errors.New("the subscription to the feed has ended")

// skipTo makes position the start of what is delivered next.
func (h *Hub) skipTo(ctx context.Context, position int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.ready:
		h.skipToLocked(ctx, position)
	default: // nothing is missed before the first subscription
		h.advance(max(position, h.position.Load()))
		close(h.ready)
	}
}

// skipToLocked resets all subscriptions if deltas up to position were missed: clients reconnect and resume.
func (h *Hub) skipToLocked(ctx context.Context, position int64) {
	if position <= h.position.Load() {
		return
	}
	h.log.WarnContext(ctx, "deltas were missed, clients must reconnect",
		slog.Int64("position", h.position.Load()), slog.Int64("checkpoint", position))
	for _, subscribers := range h.subscribers {
		for s := range subscribers {
			s.Reset()
		}
	}
	clear(h.subscribers)
	for _, clients := range h.clients {
		for c := range clients {
			c.Reset()
		}
	}
	for _, f := range h.followers {
		f.Reset()
	}
	h.advance(position)
}

// deliverBatch delivers a batch to everybody it concerns.
func (h *Hub) deliverBatch(ctx context.Context, b feed.Batch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.skipToLocked(ctx, b.After)
	delivered := h.position.Load()
	for _, d := range b.Deltas {
		if d.Position > delivered {
			h.deliver(d)
		}
	}
	for _, g := range b.Gauges {
		for s := range h.subscribers[g.Live] {
			s.DeliverGauges(g)
		}
	}
	h.advance(max(b.Checkpoint, delivered))
}

// deliver delivers one delta to its subscribers, to the followers and to the clients of its recipient.
func (h *Hub) deliver(d projections.Delta) {
	h.deliverToSubscribers(d)
	for _, f := range h.followers {
		f.Deliver(d.Position-1, d)
	}
	switch {
	case d.Recipient != 0:
		for c := range h.clients[d.Recipient] {
			c.DeliverPrivate(d)
			h.watcher.observe(c, d)
		}
		h.moderate(d)
	case d.Kind == projections.KindModeration:
		h.moderate(d)
	default:
		h.presence.observe(d)
	}
}

// advance records that everything up to position has been delivered and wakes the callers of WaitFor.
func (h *Hub) advance(position int64) {
	for _, f := range h.followers {
		f.Deliver(position)
	}
	h.position.Store(position)
	if h.awaited {
		close(h.advanced)
		h.advanced, h.awaited = make(chan struct{}), false
	}
}

// WaitReady blocks until the hub receives the feed, which takes a moment after the start.
func (h *Hub) WaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, tablesTimeout)
	defer cancel()
	select {
	case <-h.ready:
		return nil
	case <-ctx.Done():
		return ErrBehind
	}
}

// WaitFor blocks until everything up to position has been delivered to subscribers and clients. Followers may
// still be behind.
func (h *Hub) WaitFor(ctx context.Context, position int64) error {
	ctx, cancel := context.WithTimeout(ctx, tablesTimeout)
	defer cancel()
	for {
		h.mu.Lock()
		reached, advanced := h.position.Load() >= position, h.advanced
		h.awaited = h.awaited || !reached
		h.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-advanced:
		case <-ctx.Done():
			return ErrBehind
		}
	}
}

// wait sleeps for d, or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// CheckLives refuses a connection that is in lives lives already if that is as many as it may be in.
func (h *Hub) CheckLives(lives int) error {
	if lives >= h.cfg.MaxLivesPerConnection {
		return NewProblem(CodeTooManyLives, fmt.Sprintf("a connection can be in at most %d lives", h.cfg.MaxLivesPerConnection))
	}
	return nil
}
