package domain

import "slices"

// GuestID is somebody in the chat by one connection, signed in or not. Whoever comes back is another guest.
type GuestID int64

// TextsOf answers whose key seals what a guest says: the person's, or, of somebody who is not signed in, one of the
// guest's own, which is filed under minus its number.
func TextsOf(user UserID, guest GuestID) UserID {
	if user != 0 {
		return user
	}
	return UserID(-guest)
}

// Guest is what a decision needs of a guest.
type Guest struct {
	Here       bool     `json:"here,omitempty"`
	Connection string   `json:"connection"`
	User       UserID   `json:"user,omitempty"`     // 0: not signed in
	NameKey    string   `json:"name_key,omitempty"` // of what the guest is called; "": nothing
	Process    string   `json:"process,omitempty"`  // the server process that holds the connection
	Rooms      []RoomID `json:"rooms,omitempty"`    // where the guest is, beside the chat of everybody
	Forgotten  bool     `json:"forgotten,omitempty"`
}

// ChatProfile is the manner in which a guest chats: what its client understands.
type ChatProfile string

// The profiles.
const (
	ChatNative   ChatProfile = "native"   // frames of roomlog's own
	ChatPlain    ChatProfile = "plain"    // plain messages under a name; everybody hears everybody
	ChatExchange ChatProfile = "exchange" // exchanges between connections
	ChatRooms    ChatProfile = "rooms"    // rooms with history, signed in
)

var chatProfiles = [...]ChatProfile{ChatNative, ChatPlain, ChatExchange, ChatRooms}

// MaxGuestRooms is how many rooms one guest is in at most.
const MaxGuestRooms = 16

const maxConnection = 64 // bytes of a connection's public id

// EnterChat asks to be in the chat by a connection that is not in it yet. With a room it asks to be in that room
// as well: both or nothing. GuestEntered says under which number; the door names the guest by it from now on.
//
// Somebody who is signed in is called as the profile says, and gives only the key of that name.
type EnterChat struct {
	Room       RoomID      `json:"room"`     // ""; none
	Nickname   string      `json:"nickname"` // of somebody who is not signed in; "": to be named later. 1–20 characters
	NameKey    string      `json:"-"`        // keyed hash of the folded name, added by the door; "" for no name
	Connection string      `json:"-"`        // its public id
	Profile    ChatProfile `json:"-"`
	Process    string      `json:"-"` // the server process that holds the connection
}

// Type implements Command.
func (EnterChat) Type() string { return "guest.enter" }

// Reads implements Command. The guest's own stream is new: there is nothing to read.
func (c EnterChat) Reads(by Actor) []Stream {
	reads := append(nicknamesOf(c.NameKey), nextGuest)
	if c.NameKey != "" && by.User == 0 {
		reads = append(reads, nameOf(c.NameKey))
	}
	if c.Room != "" {
		reads = append(reads, roomOf(c.Room))
	}
	return reads
}

func (c EnterChat) drawn() []string { return []string{c.Process, c.Connection} }

func (c EnterChat) decide(see View) ([]Event, error) {
	id, user := see.NextGuest(), see.By.User
	if c.Connection == "" || len(c.Connection) > maxConnection || !slices.Contains(chatProfiles[:], c.Profile) {
		return nil, refuse(CodeBadRequest, "a guest needs a connection of at most %d bytes and a profile of %v", maxConnection, chatProfiles)
	}
	nickname, err := see.nickname(c.Nickname, c.NameKey, false)
	if err != nil {
		return nil, err
	}
	follows := []Event{GuestEntered{id, c.Connection, c.Profile, user, nickname, c.NameKey, c.Process}}
	if c.NameKey != "" {
		follows = append(follows, NicknameTaken{c.NameKey, id})
	}
	if c.Room == "" {
		return follows, nil
	}
	if err := see.Room(c.Room).open(); err != nil {
		return nil, err
	}
	return append(follows, GuestJoined{id, c.Connection, user, c.Room}), nil
}

// GuestEntered says that somebody is in the chat by a connection.
type GuestEntered struct {
	Guest      GuestID     `json:"guest"`
	Connection string      `json:"connection"` // its public id
	Profile    ChatProfile `json:"profile"`    // what the client understands
	User       UserID      `json:"user"`       // who it is; 0 for somebody who is not signed in
	Nickname   string      `json:"nickname"`   // of somebody who is not signed in; may be empty
	NameKey    string      `json:"name_key"`   // keyed hash of what the guest is called; "" for nothing
	Process    string      `json:"process"`    // the server process that holds the connection
}

// Type implements Event.
func (GuestEntered) Type() string { return "guest.entered.v1" }

// Stream implements Event.
func (e GuestEntered) Stream() Stream { return guestOf(e.Guest) }

// ByUser implements UserEvent.
func (e GuestEntered) ByUser() UserID { return e.User }

func (e GuestEntered) number() int64 { return int64(e.Guest) }

func (e GuestEntered) evolve(Guest) Guest {
	return Guest{Here: true, Connection: e.Connection, User: e.User, NameKey: e.NameKey, Process: e.Process}
}

func (e *GuestEntered) personal() (UserID, []*string) {
	return TextsOf(e.User, e.Guest), []*string{&e.Nickname}
}

// LeaveChat says for a guest that the connection has ended. It is silent when the guest is not here.
type LeaveChat struct {
	Guest   GuestID    `json:"guest"`
	Cause   LeaveCause `json:"cause"`   // why
	Process string     `json:"process"` // the server process that held the connection
	NameKey string     `json:"-"`       // of what the guest is called, which is free then
}

// Type implements Command.
func (LeaveChat) Type() string { return "guest.leave" }

// Reads implements Command.
func (c LeaveChat) Reads(Actor) []Stream {
	return append(nicknamesOf(c.NameKey), guestOf(c.Guest))
}

func (c LeaveChat) drawn() []string { return []string{c.Process} }

func (c LeaveChat) decide(see View) ([]Event, error) {
	if c.Cause != LeftAsked && c.Cause != LeftConnectionLost && c.Cause != LeftProcessLost {
		return nil, refuse(CodeBadRequest, "the cause is one of %v", leaveCauses[:3])
	}
	guest := see.Guest(c.Guest)
	switch {
	case !guest.Here || guest.Process != c.Process:
		return nil, nil
	case guest.NameKey != c.NameKey:
		return nil, refuse(CodeBadRequest, "guest %d is called otherwise", c.Guest)
	}
	var follows []Event
	for _, room := range guest.Rooms {
		follows = append(follows, GuestParted{c.Guest, guest.Connection, guest.User, room, c.Cause})
	}
	follows = append(follows, GuestLeft{c.Guest, guest.Connection, guest.User, c.Cause})
	if c.NameKey != "" {
		follows = append(follows, NicknameFreed{c.NameKey, c.Guest})
	}
	return follows, nil
}

// GuestLeft says that a guest is not in the chat any more. What says so of the rooms stands before it.
type GuestLeft struct {
	Guest      GuestID    `json:"guest"`
	Connection string     `json:"connection"` // its public id
	User       UserID     `json:"user"`       // who it was; 0 for somebody who was not signed in
	Cause      LeaveCause `json:"cause"`      // why
}

// Type implements Event.
func (GuestLeft) Type() string { return "guest.left.v1" }

// Stream implements Event.
func (e GuestLeft) Stream() Stream { return guestOf(e.Guest) }

// ByUser implements UserEvent.
func (e GuestLeft) ByUser() UserID { return e.User }

func (GuestLeft) evolve(g Guest) Guest {
	g.Here, g.Process, g.NameKey, g.Rooms = false, "", "", nil
	return g
}

// ForgetGuest asks to erase what somebody who was not signed in has said: the log destroys the guest's key with
// the event. What signed-in people say is erased with them.
type ForgetGuest struct {
	Guest GuestID `json:"guest"`
}

// Type implements Command.
func (ForgetGuest) Type() string { return "guest.forget" }

// Reads implements Command.
func (c ForgetGuest) Reads(Actor) []Stream { return []Stream{guestOf(c.Guest)} }

func (c ForgetGuest) decide(see View) ([]Event, error) {
	switch guest := see.Guest(c.Guest); {
	case guest.Connection == "" || guest.User != 0:
		return nil, refuse(CodeGuestGone, "there is no guest %d, or it was somebody signed in", c.Guest)
	case guest.Here: // would go on speaking under a key that is destroyed
		return nil, refuse(CodeBadRequest, "guest %d is still here", c.Guest)
	case guest.Forgotten:
		return nil, nil
	}
	return []Event{GuestForgotten(c)}, nil
}

// GuestForgotten says that a guest's texts cannot be read any more, here and in all earlier events.
type GuestForgotten struct {
	Guest GuestID `json:"guest"`
}

// Type implements Event.
func (GuestForgotten) Type() string { return "guest.forgotten.v1" }

// Stream implements Event.
func (e GuestForgotten) Stream() Stream { return guestOf(e.Guest) }

// Forgets implements ForgetEvent.
func (e GuestForgotten) Forgets() UserID { return TextsOf(0, e.Guest) }

func (GuestForgotten) evolve(g Guest) Guest { g.Forgotten = true; return g }

// guest answers the guest in whose name somebody asks for something.
func (v View) guest(id GuestID) (Guest, error) {
	guest := v.Guest(id)
	if !guest.Here || guest.User != v.By.User {
		return guest, refuse(CodeGuestGone, "guest %d is not here: enter the chat first", id)
	}
	return guest, nil
}
