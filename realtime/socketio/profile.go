package socketio

import "net/url"

// profile is what a socket is for, beside the live rooms. Its handshake decides, once.
type profile int

const (
	profilePlain    profile = iota // the plain-message chat
	profileExchange                // the generic chat of one room
	profilePushed                  // what changes about one user
	profileHistory                 // a chat room with history
)

// profileOf reads a handshake. A key that is there counts, whatever is behind it.
func profileOf(query url.Values) profile {
	switch room, token := query.Has("room"), query.Has("token"); {
	case room && token:
		return profileHistory
	case room:
		return profileExchange
	case token:
		return profilePushed
	}
	return profilePlain
}
