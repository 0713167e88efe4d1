package hub

import (
	"context"

	"roomlog/projections"
)

// Subscriber receives the deltas and gauges of one live. A dialect has one subscriber for each live that its clients
// are in. The hub calls its methods one after another; they must not block.
type Subscriber interface {
	// Deliver is called with every public delta of the live, and with every changed profile, in order.
	Deliver(d projections.Delta)
	// DeliverGauges is called with the newest gauges of the live.
	DeliverGauges(g projections.Gauges)
	// Reset is called when deltas were missed: the clients in the live must reconnect. The subscription has ended.
	Reset()
	// HistoryChanged is called when the log has fallen back to an earlier state: what was delivered may be void. The
	// subscription continues with the deltas of history, the number of the new history, after position.
	HistoryChanged(history, position int64)
}

// Follower receives all deltas of the feed, in order, because it has its own subscriptions. The chat is a Follower; the
// interface keeps the hub independent of package chat. Its methods must not block, except Load.
type Follower interface {
	// Load reads the follower's state from the tables, as of position or later, and discards the former state. It is
	// called before the first delta, again after deltas were missed, and again when the history of the log has changed.
	Load(ctx context.Context, position int64) error
	// Deliver is called with the next deltas, in order. After the call, every delta up to position has been delivered.
	Deliver(position int64, deltas ...projections.Delta)
	// Reset is called when deltas were missed: all clients must reconnect.
	Reset()
	// HistoryChanged is called after Load when the log has fallen back to an earlier state. The deltas of history, the
	// number of the new history, follow after position.
	HistoryChanged(history, position int64)
}
