package domain

import "slices"

// JoinChatRoom asks for a guest to be in a chat room. Nothing follows when the guest is there already.
type JoinChatRoom struct {
	ChatRoom    ChatRoomID    `json:"chat_room"`
	Participant ParticipantID `json:"-"`
}

// Type implements Command.
func (JoinChatRoom) Type() string { return "chat_room.join" }

// Reads implements Command.
func (c JoinChatRoom) Reads(Actor) []Stream {
	return []Stream{guestOf(c.Participant), roomOf(c.ChatRoom)}
}

func (c JoinChatRoom) decide(see View) ([]Event, error) {
	guest, err := see.participant(c.Participant)
	if err != nil {
		return nil, err
	}
	if err := see.ChatRoom(c.ChatRoom).open(); err != nil {
		return nil, err
	}
	switch {
	case slices.Contains(guest.ChatRooms, c.ChatRoom):
		return nil, nil
	case len(guest.ChatRooms) >= MaxJoinedChatRooms:
		return nil, refuse(CodeNumberOutOfRange, "a guest is in %d rooms at most", MaxJoinedChatRooms)
	}
	return []Event{ChatRoomJoined{c.Participant, guest.Connection, guest.User, c.ChatRoom}}, nil
}

// ChatRoomJoined says that a guest is in a chat room.
type ChatRoomJoined struct {
	Participant ParticipantID `json:"participant"`
	Connection  string        `json:"connection"` // its public id
	User        UserID        `json:"user"`       // who it is; 0 for somebody who is not signed in
	ChatRoom    ChatRoomID    `json:"chat_room"`
}

// Type implements Event.
func (ChatRoomJoined) Type() string { return "chat_room.joined.v1" }

// Stream implements Event.
func (e ChatRoomJoined) Stream() Stream { return guestOf(e.Participant) }

// EventUser implements UserEvent.
func (e ChatRoomJoined) EventUser() UserID { return e.User }

func (e ChatRoomJoined) evolve(g Participant) Participant {
	g.ChatRooms = append(slices.Clone(g.ChatRooms), e.ChatRoom)
	return g
}

// LeaveChatRoom asks for a guest to be in a chat room no more. Nothing follows when the guest is not there.
type LeaveChatRoom struct {
	ChatRoom    ChatRoomID    `json:"chat_room"`
	Participant ParticipantID `json:"-"`
}

// Type implements Command.
func (LeaveChatRoom) Type() string { return "chat_room.leave" }

// Reads implements Command.
func (c LeaveChatRoom) Reads(Actor) []Stream { return []Stream{guestOf(c.Participant)} }

func (c LeaveChatRoom) decide(see View) ([]Event, error) {
	guest, err := see.participant(c.Participant)
	if err != nil || !slices.Contains(guest.ChatRooms, c.ChatRoom) {
		return nil, err
	}
	return []Event{ChatRoomLeft{c.Participant, guest.Connection, guest.User, c.ChatRoom, LeaveRequested}}, nil
}

// ChatRoomLeft says that a guest is not in a chat room any more.
type ChatRoomLeft struct {
	Participant ParticipantID `json:"participant"`
	Connection  string        `json:"connection"` // its public id
	User        UserID        `json:"user"`       // who it is; 0 for somebody who is not signed in
	ChatRoom    ChatRoomID    `json:"chat_room"`
	Cause       LeaveCause    `json:"cause"` // why
}

// Type implements Event.
func (ChatRoomLeft) Type() string { return "chat_room.left.v1" }

// Stream implements Event.
func (e ChatRoomLeft) Stream() Stream { return guestOf(e.Participant) }

// EventUser implements UserEvent.
func (e ChatRoomLeft) EventUser() UserID { return e.User }

func (e ChatRoomLeft) evolve(g Participant) Participant {
	left := slices.DeleteFunc(slices.Clone(g.ChatRooms), func(r ChatRoomID) bool { return r == e.ChatRoom })
	g.ChatRooms = nil
	if len(left) > 0 {
		g.ChatRooms = left
	}
	return g
}
