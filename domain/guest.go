package domain

import "slices"

// ParticipantID is somebody in the chat by one connection, signed in or not. Whoever comes back is another guest.
type ParticipantID int64

// KeyOwner answers whose key seals what a guest says: the person's, or, of somebody who is not signed in, one of the
// guest's own, which is filed under minus its number.
func KeyOwner(user UserID, guest ParticipantID) UserID {
	if user != 0 {
		return user
	}
	return UserID(-guest)
}

// Participant is what a decision needs of a guest.
type Participant struct {
	Present    bool         `json:"present,omitempty"`
	Connection string       `json:"connection"`
	User       UserID       `json:"user,omitempty"`       // 0: not signed in
	NameKey    string       `json:"name_key,omitempty"`   // of what the guest is called; "": nothing
	Node       string       `json:"node,omitempty"`       // the server process that holds the connection
	ChatRooms  []ChatRoomID `json:"chat_rooms,omitempty"` // where the guest is, beside the chat of everybody
	Forgotten  bool         `json:"forgotten,omitempty"`
}

// ChatProfile is the manner in which a guest chats: what its client understands.
type ChatProfile string

// The profiles.
const (
	ProfileNative   ChatProfile = "native"   // frames of roomlog's own
	ProfilePlain    ChatProfile = "plain"    // plain messages under a name; everybody hears everybody
	ProfileExchange ChatProfile = "exchange" // exchanges between connections
	ProfileRooms    ChatProfile = "rooms"    // rooms with history, signed in
)

var chatProfiles = [...]ChatProfile{ProfileNative, ProfilePlain, ProfileExchange, ProfileRooms}

// MaxJoinedChatRooms is how many rooms one guest is in at most.
const MaxJoinedChatRooms = 16

const maxConnection = 64 // bytes of a connection's public id

// EnterChat asks to be in the chat by a connection that is not in it yet. With a room it asks to be in that room
// as well: both or nothing. ParticipantEntered says under which number; the door names the guest by it from now on.
//
// Somebody who is signed in is called as the profile says, and gives only the key of that name.
type EnterChat struct {
	ChatRoom   ChatRoomID  `json:"chat_room"` // ""; none
	Nickname   string      `json:"nickname"`  // of somebody who is not signed in; "": to be named later. 1–20 characters
	NameKey    string      `json:"-"`         // keyed hash of the folded name, added by the door; "" for no name
	Connection string      `json:"-"`         // its public id
	Profile    ChatProfile `json:"-"`
	Node       string      `json:"-"` // the server process that holds the connection
}

// Type implements Command.
func (EnterChat) Type() string { return "participant.enter" }

// Reads implements Command. The guest's own stream is new: there is nothing to read.
func (c EnterChat) Reads(by Actor) []Stream {
	reads := append(nicknamesOf(c.NameKey), nextGuest)
	if c.NameKey != "" && by.User == 0 {
		reads = append(reads, nameOf(c.NameKey))
	}
	if c.ChatRoom != "" {
		reads = append(reads, roomOf(c.ChatRoom))
	}
	return reads
}

func (c EnterChat) drawn() []string { return []string{c.Node, c.Connection} }

func (c EnterChat) decide(see View) ([]Event, error) {
	id, user := see.NextParticipant(), see.Actor.User
	if c.Connection == "" || len(c.Connection) > maxConnection || !slices.Contains(chatProfiles[:], c.Profile) {
		return nil, refuse(CodeBadRequest, "a guest needs a connection of at most %d bytes and a profile of %v", maxConnection, chatProfiles)
	}
	nickname, err := see.nickname(c.Nickname, c.NameKey, false)
	if err != nil {
		return nil, err
	}
	follows := []Event{ParticipantEntered{id, c.Connection, c.Profile, user, nickname, c.NameKey, c.Node}}
	if c.NameKey != "" {
		follows = append(follows, NicknameClaimed{c.NameKey, id})
	}
	if c.ChatRoom == "" {
		return follows, nil
	}
	if err := see.ChatRoom(c.ChatRoom).open(); err != nil {
		return nil, err
	}
	return append(follows, ChatRoomJoined{id, c.Connection, user, c.ChatRoom}), nil
}

// ParticipantEntered says that somebody is in the chat by a connection.
type ParticipantEntered struct {
	Participant ParticipantID `json:"participant"`
	Connection  string        `json:"connection"` // its public id
	Profile     ChatProfile   `json:"profile"`    // what the client understands
	User        UserID        `json:"user"`       // who it is; 0 for somebody who is not signed in
	Nickname    string        `json:"nickname"`   // of somebody who is not signed in; may be empty
	NameKey     string        `json:"name_key"`   // keyed hash of what the guest is called; "" for nothing
	Node        string        `json:"node"`       // the server process that holds the connection
}

// Type implements Event.
func (ParticipantEntered) Type() string { return "participant.entered.v1" }

// Stream implements Event.
func (e ParticipantEntered) Stream() Stream { return guestOf(e.Participant) }

// EventUser implements UserEvent.
func (e ParticipantEntered) EventUser() UserID { return e.User }

func (e ParticipantEntered) number() int64 { return int64(e.Participant) }

func (e ParticipantEntered) evolve(Participant) Participant {
	return Participant{Present: true, Connection: e.Connection, User: e.User, NameKey: e.NameKey, Node: e.Node}
}

func (e *ParticipantEntered) personal() (UserID, []*string) {
	return KeyOwner(e.User, e.Participant), []*string{&e.Nickname}
}

// LeaveChat says for a guest that the connection has ended. It is silent when the guest is not here.
type LeaveChat struct {
	Participant ParticipantID `json:"participant"`
	Cause       LeaveCause    `json:"cause"` // why
	Node        string        `json:"node"`  // the server process that held the connection
	NameKey     string        `json:"-"`     // of what the guest is called, which is free then
}

// Type implements Command.
func (LeaveChat) Type() string { return "participant.leave" }

// Reads implements Command.
func (c LeaveChat) Reads(Actor) []Stream {
	return append(nicknamesOf(c.NameKey), guestOf(c.Participant))
}

func (c LeaveChat) drawn() []string { return []string{c.Node} }

func (c LeaveChat) decide(see View) ([]Event, error) {
	if c.Cause != LeaveRequested && c.Cause != LeaveConnectionLost && c.Cause != LeaveNodeLost {
		return nil, refuse(CodeBadRequest, "the cause is one of %v", leaveCauses[:3])
	}
	guest := see.Participant(c.Participant)
	switch {
	case !guest.Present || guest.Node != c.Node:
		return nil, nil
	case guest.NameKey != c.NameKey:
		return nil, refuse(CodeBadRequest, "guest %d is called otherwise", c.Participant)
	}
	var follows []Event
	for _, room := range guest.ChatRooms {
		follows = append(follows, ChatRoomLeft{c.Participant, guest.Connection, guest.User, room, c.Cause})
	}
	follows = append(follows, ParticipantLeft{c.Participant, guest.Connection, guest.User, c.Cause})
	if c.NameKey != "" {
		follows = append(follows, NicknameReleased{c.NameKey, c.Participant})
	}
	return follows, nil
}

// ParticipantLeft says that a guest is not in the chat any more. What says so of the rooms stands before it.
type ParticipantLeft struct {
	Participant ParticipantID `json:"participant"`
	Connection  string        `json:"connection"` // its public id
	User        UserID        `json:"user"`       // who it was; 0 for somebody who was not signed in
	Cause       LeaveCause    `json:"cause"`      // why
}

// Type implements Event.
func (ParticipantLeft) Type() string { return "participant.left.v1" }

// Stream implements Event.
func (e ParticipantLeft) Stream() Stream { return guestOf(e.Participant) }

// EventUser implements UserEvent.
func (e ParticipantLeft) EventUser() UserID { return e.User }

func (ParticipantLeft) evolve(g Participant) Participant {
	g.Present, g.Node, g.NameKey, g.ChatRooms = false, "", "", nil
	return g
}

// ForgetParticipant asks to erase what somebody who was not signed in has said: the log destroys the guest's key with
// the event. What signed-in people say is erased with them.
type ForgetParticipant struct {
	Participant ParticipantID `json:"participant"`
	Reason      string        `json:"reason"` // for the record: at most 100 characters, may be empty
}

// Type implements Command.
func (ForgetParticipant) Type() string { return "participant.forget" }

// Reads implements Command.
func (c ForgetParticipant) Reads(Actor) []Stream { return []Stream{guestOf(c.Participant)} }

func (c ForgetParticipant) decide(see View) ([]Event, error) {
	switch guest := see.Participant(c.Participant); {
	case guest.Connection == "" || guest.User != 0:
		return nil, refuse(CodeParticipantNotFound, "there is no guest %d, or it was somebody signed in", c.Participant)
	case guest.Present: // would go on speaking under a key that is destroyed
		return nil, refuse(CodeBadRequest, "guest %d is still here", c.Participant)
	case guest.Forgotten:
		return nil, nil
	}
	var err error
	if c.Reason, err = operatorReason(c.Reason); err != nil {
		return nil, err
	}
	return []Event{ParticipantForgotten(c)}, nil
}

// ParticipantForgotten says that a guest's texts cannot be read any more, here and in all earlier events.
type ParticipantForgotten struct {
	Participant ParticipantID `json:"participant"`
	Reason      string        `json:"reason"` // why, as the operator put it; may be empty
}

// Type implements Event.
func (ParticipantForgotten) Type() string { return "participant.forgotten.v1" }

// Stream implements Event.
func (e ParticipantForgotten) Stream() Stream { return guestOf(e.Participant) }

// ForgottenKeyOwner implements ForgetEvent.
func (e ParticipantForgotten) ForgottenKeyOwner() UserID { return KeyOwner(0, e.Participant) }

func (ParticipantForgotten) evolve(g Participant) Participant { g.Forgotten = true; return g }

// participant answers the participant in whose name somebody asks for something.
func (v View) participant(id ParticipantID) (Participant, error) {
	guest := v.Participant(id)
	if !guest.Present || guest.User != v.Actor.User {
		return guest, refuse(CodeParticipantNotFound, "guest %d is not here: enter the chat first", id)
	}
	return guest, nil
}
