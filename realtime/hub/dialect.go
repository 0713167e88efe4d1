package hub

import (
	"time"

	"roomlog/domain"
)

// Dialect is a server of one protocol. Both dialects have one; the hub uses it for what concerns single
// connections. Its methods must not block.
type Dialect interface {
	// Connections returns the open connections, without users, lives and node.
	Connections() []Connection
	// Kick kicks the client of a connection with a message of the dialect. It reports whether the connection
	// exists.
	Kick(id domain.ConnectionID, reason string) bool
}

// Connection is a connection as operators see it.
type Connection struct {
	ID      domain.ConnectionID `json:"id"`
	Node    string              `json:"node"`    // that holds it
	Dialect string              `json:"dialect"` // "native" or "socketio"
	Users   []domain.UserID     `json:"users"`   // signed in on it; none: anonymous, or not known yet
	Lives   []domain.LiveID     `json:"lives"`   // that these users are in by this connection
	Address string              `json:"address"` // of the client; an IPv6 address is shortened to its network
	Since   time.Time           `json:"since"`

	Alias domain.ConnectionID `json:"-"` // a second ID by which others may know it
	Key   string              `json:"-"` // Client.ConnectionKey of its clients
}
