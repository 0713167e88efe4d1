package hub

import (
	"context"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

// Client is one user on one connection, in any dialect. The hub calls its methods one after another; they must
// not block.
type Client interface {
	// Identity returns the user and the session. It is the zero Identity until the session has been checked.
	Identity() Identity
	// ConnectionKey returns the Connection.Key of the connection that the client is on.
	ConnectionKey() string
	// Ended reports whether the connection has ended.
	Ended() bool
	// DeliverPrivate is called with every delta of the user channel, in order.
	DeliverPrivate(d projections.Delta)
	// Reset is called when deltas of the user channel were missed: the client must reconnect.
	Reset()
	// Revoke is called when the session is no longer valid, with the reason.
	Revoke(reason *domain.Refusal)
	// Kick is called when an operator kicks the client, which must not reconnect. The reason may be empty.
	Kick(reason string)
	// BanFrom is called when the user is banned from a live, whether the client is in it or not. The reason may be
	// empty.
	BanFrom(live domain.LiveID, reason string)
}

// Register adds a client of user, unless the user has too many. The client receives the deltas of the user channel
// after position from.
func (h *Hub) Register(ctx context.Context, user domain.UserID, c Client) (from int64, err error) {
	if err := h.WaitReady(ctx); err != nil {
		return 0, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	clients := h.clients[user]
	if limit := h.cfg.MaxConnectionsPerUser; limit >= 0 && len(clients) >= limit {
		return 0, NewProblem(CodeTooManyConnections, "this user has too many connections").After(busyRetry)
	}
	if clients == nil {
		clients = make(map[Client]struct{})
		h.clients[user] = clients
	}
	clients[c] = struct{}{}
	return h.position.Load(), nil
}

// Unregister removes a client that was registered for user.
func (h *Hub) Unregister(user domain.UserID, c Client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.clients[user], c)
	if len(h.clients[user]) == 0 {
		delete(h.clients, user)
	}
}

// registered returns all clients.
func (h *Hub) registered() (all []Client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, clients := range h.clients {
		for c := range clients {
			all = append(all, c)
		}
	}
	return all
}

// Enter makes a client present in a live as of a position. The log is asked even if the client is present already:
// only the log knows whether the session is valid and the live is open.
func (h *Hub) Enter(ctx context.Context, c Client, live domain.LiveID) (position int64, err error) {
	return h.presence.enter(ctx, c, live)
}

// Leave ends the presence of a client in a live. The user leaves the live with the last client. It does not block.
func (h *Hub) Leave(c Client, live domain.LiveID, cause domain.LeaveCause) {
	h.presence.leave(c, live, cause)
}

// Execute executes a command of a user, unless it exceeds the user's rate.
func (h *Hub) Execute(ctx context.Context, by Identity, c domain.Command, key string) (eventstore.Receipt, error) {
	if err := h.rates.allow(by.User, c); err != nil {
		return eventstore.Receipt{}, err
	}
	return h.cfg.Commands.Execute(ctx, domain.Request{Command: c, Actor: by.Actor(), IdempotencyKey: key})
}
