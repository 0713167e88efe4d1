package socketio

import "net/url"

// profile is the kind of chat that a socket uses, in addition to the events of the lives. The query of the handshake
// selects it, and it does not change.
type profile int

const (
	profilePlain    profile = iota // the chat of plain messages
	profileExchange                // the chat of one room in which sockets exchange messages
	profileAccount                 // changes of one user's account
	profileHistory                 // chat rooms with history, for users who are signed in
)

// profileOf returns the profile of a handshake. A key counts if it is present, whatever its value is.
func profileOf(query url.Values) profile {
	switch room, token := query.Has("room"), query.Has("token"); {
	case room && token:
		return profileHistory
	case room:
		return profileExchange
	case token:
		return profileAccount
	}
	return profilePlain
}
