package hub

import (
	"context"
	"errors"

	"roomlog/domain"
	"roomlog/projections"
)

// Subscriber receives what happens in one live: a dialect has one for each live that somebody watches. The hub
// calls its methods one after another; they must not block.
type Subscriber interface {
	// Deliver is called with every public delta of the live, and with every changed profile, in order.
	Deliver(d projections.Delta)
	// DeliverGauges is called with the newest gauges of the live.
	DeliverGauges(g projections.Gauges)
	// Reset is called when deltas were missed: everybody must reconnect. The subscription has ended.
	Reset()
}

// Follower receives all deltas of the feed, in order, because it keeps subscriptions of its own: the chat. It is
// an interface because the hub must not know the chat. Its methods must not block, except Load.
type Follower interface {
	// Load reads the follower's state from the tables, as of position or later. It is called before the first
	// delta and again after deltas were missed.
	Load(ctx context.Context, position int64) error
	// Deliver is called with deltas; with them everything up to position has been delivered.
	Deliver(position int64, deltas ...projections.Delta)
	// Reset is called when deltas were missed: everybody must reconnect.
	Reset()
}

// AddFollower adds a follower. Call it before Run.
func (h *Hub) AddFollower(f Follower) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.followers = append(h.followers, f)
}

// Subscribe delivers what happens in a live after position from to s.
func (h *Hub) Subscribe(live domain.LiveID, s Subscriber) (from int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subscribers[live] == nil {
		h.subscribers[live] = make(map[Subscriber]struct{})
	}
	h.subscribers[live][s] = struct{}{}
	return h.position.Load()
}

// Unsubscribe ends a subscription: nothing is delivered to s after it returned.
func (h *Hub) Unsubscribe(live domain.LiveID, s Subscriber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.subscribers[live], s)
	if len(h.subscribers[live]) == 0 {
		delete(h.subscribers, live)
	}
}

// deliverToSubscribers delivers a delta to the subscribers it concerns.
func (h *Hub) deliverToSubscribers(d projections.Delta) {
	switch {
	case d.Public():
		for s := range h.subscribers[d.Live] {
			s.Deliver(d)
		}
	case d.Kind == projections.KindProfile:
		for _, subscribers := range h.subscribers {
			for s := range subscribers {
				s.Deliver(d)
			}
		}
	}
}

// Deltas returns the first limit deltas of a live after one position and up to another, from the log.
func (h *Hub) Deltas(ctx context.Context, live domain.LiveID, after, upTo int64, limit int) ([]projections.Delta, error) {
	return h.cfg.Feed.LiveDeltas(ctx, live, after, upTo, limit)
}

// Snapshot reads a live that the log has at position. It waits for tables that are behind it.
func (h *Hub) Snapshot(ctx context.Context, live domain.LiveID, position int64) (projections.LiveSnapshot, error) {
	found, err := h.cfg.Queries.LiveSnapshot(ctx, live)
	if !errors.Is(err, projections.ErrNotFound) {
		return found, err
	}
	within, cancel := context.WithTimeout(ctx, tablesTimeout)
	defer cancel()
	if err := h.cfg.Feed.WaitFor(within, position); err != nil {
		return found, ErrBehind
	}
	return h.cfg.Queries.LiveSnapshot(ctx, live)
}
