package hub

import (
	"time"

	"roomlog/domain"
)

// Dialect is a server of one protocol, native or Socket.IO. The hub uses it to list and to kick single connections. Its
// methods must not block.
type Dialect interface {
	// Connections returns the open connections, without users, lives and node.
	Connections() []Connection
	// Kick kicks the client of a connection with a message of the dialect. It reports whether the connection
	// exists.
	Kick(id domain.ConnectionID, reason string) bool
}

// Connection describes an open connection to operators.
type Connection struct {
	ID      domain.ConnectionID `json:"id"`
	Node    string              `json:"node"`    // the node that holds the connection
	Dialect string              `json:"dialect"` // "native" or "socketio"
	Users   []domain.UserID     `json:"users"`   // signed in on the connection; empty: anonymous, or not authenticated yet
	Lives   []domain.LiveID     `json:"lives"`   // the lives that these users are in by this connection
	Address string              `json:"address"` // address of the client; an IPv6 address is shortened to its network
	Since   time.Time           `json:"since"`

	Alias domain.ConnectionID `json:"-"` // a second ID, which other users may see; "": none
	Key   string              `json:"-"` // the Client.ConnectionKey of the clients on the connection
}
