package domain

import "slices"

// ChatRoomID is a chat room: 24 of 0-9a-f, drawn by the door. A live is not one.
type ChatRoomID string

const roomIDLength = 24

// DefaultMaxChatRooms is how many chat rooms there may be, those of operators aside, unless a setting says otherwise.
const DefaultMaxChatRooms = 200

// IsChatRoomID says whether s has the form of a room's id. No room is called so, so that clients may name a
// room by its id or by its name.
func IsChatRoomID(s string) bool { return len(s) == roomIDLength && hexadecimal(s) }

func hexadecimal(s string) bool {
	for i := range len(s) {
		if c := s[i]; !('0' <= c && c <= '9' || 'a' <= c && c <= 'f') {
			return false
		}
	}
	return true
}

// ChatRoom is what a decision needs of a chat room.
type ChatRoom struct {
	Open    bool   `json:"open"` // exists, and was not removed
	NameKey string `json:"name_key"`
}

// ChatRoomName says which room has a name.
type ChatRoomName struct {
	ChatRoom ChatRoomID `json:"chat_room"` // "": none now
	Used     bool       `json:"used"`      // some room has or had it
}

// CreateChatRoom asks for a new chat room under a name that none has. Nobody has to be signed in for it.
//
// From roomlog itself it is a wish that is granted once: of a name that was ever used nothing follows, so that
// a room that an operator has removed does not come back.
type CreateChatRoom struct {
	Name         string     `json:"name"` // 1–32 characters
	ChatRoom     ChatRoomID `json:"-"`    // drawn at random by the door
	NameKey      string     `json:"-"`    // keyed hash of the folded name, added by the door
	MaxChatRooms int        `json:"-"`    // how many rooms there may be with it; does not bind operators
}

// Type implements Command.
func (CreateChatRoom) Type() string { return "chat_room.create" }

// Reads implements Command.
func (c CreateChatRoom) Reads(Actor) []Stream {
	return []Stream{roomOf(c.ChatRoom), roomNameOf(c.NameKey), roomCount}
}

func (c CreateChatRoom) decide(see View) ([]Event, error) {
	name, err := text("name", c.Name, 1, maxName)
	if err != nil {
		return nil, err
	}
	people := see.Actor.Kind == Anonymous || see.Actor.Kind == Authenticated
	switch taken := see.ChatRoomName(c.NameKey); {
	case !IsChatRoomID(string(c.ChatRoom)) || c.NameKey == "": // a door's mistake
		return nil, refuse(CodeBadRequest, "a room needs an id of %d of 0-9a-f and the key of its name", roomIDLength)
	case see.Actor.Kind == System && taken.Used:
		return nil, nil
	case taken.ChatRoom != "" || IsChatRoomID(name) || see.ChatRoom(c.ChatRoom).NameKey != "":
		return nil, refuse(CodeChatRoomTaken, "a room has this name already, or its id")
	case people && see.ChatRoomCount() >= c.MaxChatRooms:
		return nil, refuse(CodeTooManyChatRooms, "there are %d rooms: no more are taken", see.ChatRoomCount())
	}
	return []Event{
		ChatRoomCreated{c.ChatRoom, name, c.NameKey, see.Actor.User, see.ChatRoomCount() + 1},
		ChatRoomNameClaimed{c.NameKey, c.ChatRoom},
	}, nil
}

// ChatRoomCreated says that there is a new chat room.
type ChatRoomCreated struct {
	ChatRoom ChatRoomID `json:"chat_room"`
	Name     string     `json:"name"`     // what it is called
	NameKey  string     `json:"name_key"` // keyed hash of the folded name
	User     UserID     `json:"user"`     // who asked for it; 0 for somebody who was not signed in, or an operator
	Total    int        `json:"total"`    // how many there are with it
}

// Type implements Event.
func (ChatRoomCreated) Type() string { return "chat_room.created.v1" }

// Stream implements Event.
func (e ChatRoomCreated) Stream() Stream { return roomOf(e.ChatRoom) }

// EventUser implements UserEvent.
func (e ChatRoomCreated) EventUser() UserID { return e.User }

func (e ChatRoomCreated) number() int64 { return int64(e.Total) }

func (e ChatRoomCreated) evolve(ChatRoom) ChatRoom { return ChatRoom{Open: true, NameKey: e.NameKey} }

// ChatRoomNameClaimed says which room a name belongs to from now on.
type ChatRoomNameClaimed struct {
	Key      string     `json:"key"` // keyed hash of the folded name
	ChatRoom ChatRoomID `json:"chat_room"`
}

// Type implements Event.
func (ChatRoomNameClaimed) Type() string { return "chat_room.name_claimed.v1" }

// Stream implements Event.
func (e ChatRoomNameClaimed) Stream() Stream { return roomNameOf(e.Key) }

func (e ChatRoomNameClaimed) evolve(ChatRoomName) ChatRoomName {
	return ChatRoomName{ChatRoom: e.ChatRoom, Used: true}
}

// RemoveChatRoom asks to remove a chat room for good. What was said in it stays in the log; its name is free.
type RemoveChatRoom struct {
	ChatRoom ChatRoomID `json:"chat_room"`
	NameKey  string     `json:"-"`      // of its name, looked up by the door
	Reason   string     `json:"reason"` // for the record: at most 100 characters, may be empty
}

// Type implements Command.
func (RemoveChatRoom) Type() string { return "chat_room.remove" }

// Reads implements Command.
func (c RemoveChatRoom) Reads(Actor) []Stream {
	return []Stream{roomOf(c.ChatRoom), roomNameOf(c.NameKey), roomCount}
}

func (c RemoveChatRoom) decide(see View) ([]Event, error) {
	room := see.ChatRoom(c.ChatRoom)
	if err := room.open(); err != nil {
		return nil, err
	}
	if room.NameKey != c.NameKey {
		return nil, refuse(CodeBadRequest, "room %s has another name", c.ChatRoom)
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	return []Event{ChatRoomRemoved{c.ChatRoom, see.ChatRoomCount() - 1, reason}, ChatRoomNameReleased{c.NameKey, c.ChatRoom}}, nil
}

// ChatRoomRemoved says that a chat room is gone for good.
type ChatRoomRemoved struct {
	ChatRoom ChatRoomID `json:"chat_room"`
	Total    int        `json:"total"`  // how many are left
	Reason   string     `json:"reason"` // why, as the operator put it; may be empty
}

// Type implements Event.
func (ChatRoomRemoved) Type() string { return "chat_room.removed.v1" }

// Stream implements Event.
func (e ChatRoomRemoved) Stream() Stream { return roomOf(e.ChatRoom) }

func (e ChatRoomRemoved) number() int64 { return int64(e.Total) }

func (ChatRoomRemoved) evolve(r ChatRoom) ChatRoom { r.Open = false; return r }

// ChatRoomNameReleased says that a name belongs to no room any more.
type ChatRoomNameReleased struct {
	Key      string     `json:"key"` // keyed hash of the folded name
	ChatRoom ChatRoomID `json:"chat_room"`
}

// Type implements Event.
func (ChatRoomNameReleased) Type() string { return "chat_room.name_released.v1" }

// Stream implements Event.
func (e ChatRoomNameReleased) Stream() Stream { return roomNameOf(e.Key) }

func (ChatRoomNameReleased) evolve(n ChatRoomName) ChatRoomName { n.ChatRoom = ""; return n }

func (r ChatRoom) open() error {
	if !r.Open {
		return refuse(CodeChatRoomNotFound, "there is no such room")
	}
	return nil
}

// streamsOf names the streams of chat rooms.
func streamsOf(rooms []ChatRoomID) []Stream {
	streams := make([]Stream, 0, len(rooms))
	for _, r := range rooms {
		streams = append(streams, roomOf(r))
	}
	return streams
}

// distinct says whether no room is named twice.
func distinct(rooms []ChatRoomID) bool {
	for i, r := range rooms {
		if slices.Contains(rooms[:i], r) {
			return false
		}
	}
	return true
}
