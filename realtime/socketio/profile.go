package socketio

import "net/url"

// profile selects the chat events of a socket; every socket also has the events of lives. The query of the handshake
// selects the profile, which does not change.
type profile int

const (
	profilePlain    profile = iota // chat profile plain: plain messages under a nickname
	profileExchange                // chat profile exchange: messages between the sockets of one chat room
	profileAccount                 // no chat profile: the changes of one user's account
	profileRooms                   // chat profile rooms: chat rooms that show earlier messages, for signed-in users
)

// profileOf returns the profile for the query of a handshake. A key counts if it is present, whatever its value.
func profileOf(query url.Values) profile {
	switch room, token := query.Has("room"), query.Has("token"); {
	case room && token:
		return profileRooms
	case room:
		return profileExchange
	case token:
		return profileAccount
	}
	return profilePlain
}
