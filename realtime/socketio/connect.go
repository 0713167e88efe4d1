package socketio

import (
	"roomlog/domain"
	"roomlog/realtime/socketio/protocol"
)

// connected creates the session of a new socket and opens its chat profile. Every socket has the events of lives; the
// events of the chat depend on the profile.
func (c *core) connected(k *protocol.Socket) {
	s := newSession(c, k)
	p := profileOf(k.Query())
	k.OnDisconnect(func(reason string) { s.disconnected(p, reason) })
	c.sockets.add(k)

	var client *chatClient
	if p == profileExchange || p == profileRooms || p == profilePlain && c.cfg.GuestChat {
		client = s.newChatClient(p)
	}
	s.register(p, client)
	switch p {
	case profileExchange:
		client.openExchange()
	case profileAccount:
		s.openAccount()
	case profileRooms:
		client.openHistory()
	case profilePlain:
		if client != nil {
			client.openPlain()
		}
	}
	if state, ok := k.Restored().(*recoverable); ok {
		s.rejoin(state)
	}
}

// disconnected makes the users of a socket leave the lives. It keeps the state for a recovery, unless the socket has a
// nickname or is in a chat room.
func (s *session) disconnected(p profile, reason string) {
	s.sockets.remove(s.socket)
	cause := domain.LeaveConnectionLost
	if reason == protocol.ServerDisconnect {
		cause = domain.LeaveRemoved
	}
	if p == profilePlain && (s.inChat == nil || !s.inChat()) {
		s.socket.Keep(s.recoverable())
	}
	s.leaveAll(cause)
}
