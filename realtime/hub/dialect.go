package hub

import (
	"time"

	"roomlog/domain"
)

// Dialect is a server of one protocol, native or Socket.IO. The hub uses it to list and to kick connections. Its
// methods must not block.
type Dialect interface {
	// Connections returns the open connections. It leaves the fields for users, lives and node empty.
	Connections() []Connection
	// Kick sends the client of a connection the message of the dialect for a kick, and ends the connection. It reports
	// whether the connection exists.
	Kick(id domain.ConnectionID, reason string) bool
}

// Connection describes an open connection to operators.
type Connection struct {
	ID      domain.ConnectionID `json:"id"`
	Node    string              `json:"node"`    // the node that holds the connection
	Dialect string              `json:"dialect"` // "native" or "socketio"
	Users   []domain.UserID     `json:"users"`   // users who are signed in on the connection; empty if the client is anonymous or has not authenticated yet
	Lives   []domain.LiveID     `json:"lives"`   // lives that these users are in on this connection
	Address string              `json:"address"` // address of the client; an IPv6 address is shortened to its network
	Since   time.Time           `json:"since"`

	Alias domain.ConnectionID `json:"-"` // second id of the connection, which other users may see; "" if there is none
	Key   string              `json:"-"` // Client.ConnectionKey of the clients on the connection
}
