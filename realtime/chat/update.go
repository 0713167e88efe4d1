package chat

import (
	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/ws"
)

// Listener receives the updates of a Session. Its methods are called one after another. They must not block and must
// not call the chat.
type Listener interface {
	// Deliver is called with every update of the Session's subscriptions, and with messages to this Session alone.
	Deliver(u *Update)
	// Typing is called when a participant is typing: in a chat room, or to this Session alone if room is "".
	Typing(by Participant, room domain.ChatRoomID)
	// Restart is called when the log has fallen back to an earlier state. The listener must then call Session.Restart.
	Restart()
	// Reset is called when updates were missed, or when other nodes counted this node as lost. The client must
	// reconnect.
	Reset()
}

// Update is a change in the chat. Event is a domain.ParticipantEntered, NicknameSet, ChatRoomJoined, ChatRoomLeft,
// ChatRoomRemoved, MessagePosted or MessageExchanged.
type Update struct {
	projections.Delta
	By          Participant // the participant who caused the update, with the data in the roster
	Present     bool        // whether the author of a message is in the chat, on this or another connection
	Connections []string    // the newest connections in the chat room after a join or leave
	Online      int         // number of connections in the chat room after the update

	frames map[string]*ws.Frame
}

// Frame returns the frame of the update in a dialect. It calls encode once for each dialect.
func (u *Update) Frame(dialect string, encode func() *ws.Frame) *ws.Frame {
	frame, encoded := u.frames[dialect]
	if !encoded {
		if u.frames == nil {
			u.frames = make(map[string]*ws.Frame)
		}
		frame = encode()
		u.frames[dialect] = frame
	}
	return frame
}
