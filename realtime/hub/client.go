package hub

import (
	"roomlog/domain"
	"roomlog/projections"
)

// Client is one user on one connection, in any dialect. The hub calls its methods one after another; they must
// not block.
type Client interface {
	// Identity returns the user and the sign-in session. It returns the zero Identity until the sign-in session has
	// been checked.
	Identity() Identity
	// ConnectionKey returns the Connection.Key of the client's connection.
	ConnectionKey() string
	// Ended reports whether the connection has ended.
	Ended() bool
	// DeliverPrivate is called with every delta of the user channel, in order.
	DeliverPrivate(d projections.Delta)
	// Reset is called when deltas of the user channel were missed. The client must reconnect.
	Reset()
	// HistoryChanged is called when the log has fallen back to an earlier state. What the client has received may no
	// longer be true, and its sign-in session may no longer exist: the client checks it, for example with
	// Hub.CheckLater. The next deltas follow after position; history is the number of the new history of the log.
	HistoryChanged(history, position int64)
	// Revoke is called when the sign-in session is no longer valid.
	Revoke(reason *domain.Refusal)
	// Kick is called when an operator kicks the client. The client must not reconnect. The reason may be empty.
	Kick(reason string)
	// BanFrom is called when the user is banned from a live, even if the client is not in the live. The reason may be
	// empty.
	BanFrom(live domain.LiveID, reason string)
	// RemoveFrom removes the client from a live. The hub calls it when the user may not be in the live any more, for
	// example because its access has changed. It also calls it when the log has fallen back to an earlier state and
	// refuses to record the user's join again.
	RemoveFrom(live domain.LiveID, position int64, p *Problem)
}
