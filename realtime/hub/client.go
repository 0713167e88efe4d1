package hub

import (
	"roomlog/domain"
	"roomlog/projections"
)

// Client is one user on one connection, in any dialect. The hub calls its methods one after another; they must
// not block.
type Client interface {
	// Identity returns the user and the session. It returns the zero Identity until the session has been checked.
	Identity() Identity
	// ConnectionKey returns the Connection.Key of the connection that the client is on.
	ConnectionKey() string
	// Ended reports whether the connection has ended.
	Ended() bool
	// DeliverPrivate is called with every delta of the user channel, in order.
	DeliverPrivate(d projections.Delta)
	// Reset is called when deltas of the user channel were missed: the client must reconnect.
	Reset()
	// HistoryChanged is called when the log has fallen back to an earlier state: what the client has received may be
	// void, and its session too. The client checks its session, for example with Hub.CheckLater. The deltas of history,
	// the number of the new history, follow after position.
	HistoryChanged(history, position int64)
	// Revoke is called when the session is no longer valid, with the reason.
	Revoke(reason *domain.Refusal)
	// Kick is called when an operator kicks the client, which must not reconnect. The reason may be empty.
	Kick(reason string)
	// BanFrom is called when the user is banned from a live, whether the client is in it or not. The reason may be
	// empty.
	BanFrom(live domain.LiveID, reason string)
	// RemoveFrom is called when the log does not let the user back into a live after it has fallen back to an earlier
	// state, for example because the live does not exist there.
	RemoveFrom(live domain.LiveID, p *Problem)
}
