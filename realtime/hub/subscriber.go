package hub

import (
	"context"

	"roomlog/projections"
)

// Subscriber receives the deltas and gauges of one live. A dialect has one subscriber for each live that its clients
// are in. The hub calls its methods one after another; they must not block.
type Subscriber interface {
	// Deliver is called with every public delta of the live, in order.
	Deliver(d projections.Delta)
	// DeliverGauges is called with the newest gauges of the live.
	DeliverGauges(g projections.Gauges)
	// Reset is called when deltas were missed. The subscription has ended, and the clients in the live must reconnect.
	Reset()
	// HistoryChanged is called when the log has fallen back to an earlier state. What was delivered may no longer be
	// true. The next deltas follow after position; history is the number of the new history of the log.
	HistoryChanged(history, position int64)
	// UserForgotten is called when a user was erased. Deltas that the subscriber keeps may contain the name and texts of
	// the user. Read again, they do not.
	UserForgotten()
}

// Follower receives all deltas of the feed, in order, and selects the ones it needs itself. The chat is a Follower; the
// interface keeps the hub independent of package chat. Its methods must not block, except Load.
type Follower interface {
	// Load reads the state of the follower from the tables, as of position or later, and discards the previous state.
	// It is called before the first delta, after deltas were missed, and after the history of the log has changed.
	Load(ctx context.Context, position int64) error
	// Deliver is called with the next deltas, in order. With them, every delta up to position has been delivered.
	Deliver(position int64, deltas ...projections.Delta)
	// Reset is called when deltas were missed. All clients must reconnect.
	Reset()
	// HistoryChanged is called after Load if the log has fallen back to an earlier state. The next deltas follow after
	// position; history is the number of the new history of the log.
	HistoryChanged(history, position int64)
}
