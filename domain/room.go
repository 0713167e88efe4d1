package domain

import "slices"

// RoomID is a chat room: 24 of 0-9a-f, drawn by the door. A live is not one.
type RoomID string

const roomIDLength = 24

// DefaultRooms is how many chat rooms there may be, those of operators aside, unless a setting says otherwise.
const DefaultRooms = 200

// IsRoomID says whether s has the form of a room's id. No room is called so, so that clients may name a
// room by its id or by its name.
func IsRoomID(s string) bool { return len(s) == roomIDLength && hexadecimal(s) }

func hexadecimal(s string) bool {
	for i := range len(s) {
		if c := s[i]; !('0' <= c && c <= '9' || 'a' <= c && c <= 'f') {
			return false
		}
	}
	return true
}

// Room is what a decision needs of a chat room.
type Room struct {
	Open    bool   `json:"open"` // exists, and was not removed
	NameKey string `json:"name_key"`
}

// RoomName says which room has a name.
type RoomName struct {
	Room RoomID `json:"room"` // "": none now
	Used bool   `json:"used"` // some room has or had it
}

// AddRoom asks for a new chat room under a name that none has. Nobody has to be signed in for it.
//
// From roomlog itself it is a wish that is granted once: of a name that was ever used nothing follows, so that
// a room that an operator has removed does not come back.
type AddRoom struct {
	Name    string `json:"name"` // 1–32 characters
	Room    RoomID `json:"-"`    // drawn at random by the door
	NameKey string `json:"-"`    // keyed hash of the folded name, added by the door
	Most    int    `json:"-"`    // how many rooms there may be with it; does not bind operators
}

// Type implements Command.
func (AddRoom) Type() string { return "room.add" }

// Reads implements Command.
func (c AddRoom) Reads(Actor) []Stream {
	return []Stream{roomOf(c.Room), roomNameOf(c.NameKey), roomCount}
}

func (c AddRoom) decide(see View) ([]Event, error) {
	name, err := text("name", c.Name, 1, maxName)
	if err != nil {
		return nil, err
	}
	people := see.By.Kind == Anyone || see.By.Kind == Person
	switch taken := see.RoomName(c.NameKey); {
	case !IsRoomID(string(c.Room)) || c.NameKey == "": // a door's mistake
		return nil, refuse(CodeBadRequest, "a room needs an id of %d of 0-9a-f and the key of its name", roomIDLength)
	case see.By.Kind == System && taken.Used:
		return nil, nil
	case taken.Room != "" || IsRoomID(name) || see.Room(c.Room).NameKey != "":
		return nil, refuse(CodeRoomTaken, "a room has this name already, or its id")
	case people && see.Rooms() >= c.Most:
		return nil, refuse(CodeRoomsFull, "there are %d rooms: no more are taken", see.Rooms())
	}
	return []Event{
		RoomCreated{c.Room, name, c.NameKey, see.By.User, see.Rooms() + 1},
		RoomNameClaimed{c.NameKey, c.Room},
	}, nil
}

// RoomCreated says that there is a new chat room.
type RoomCreated struct {
	Room    RoomID `json:"room"`
	Name    string `json:"name"`     // what it is called
	NameKey string `json:"name_key"` // keyed hash of the folded name
	User    UserID `json:"user"`     // who asked for it; 0 for somebody who was not signed in, or an operator
	Rooms   int    `json:"rooms"`    // how many there are with it
}

// Type implements Event.
func (RoomCreated) Type() string { return "room.created.v1" }

// Stream implements Event.
func (e RoomCreated) Stream() Stream { return roomOf(e.Room) }

// ByUser implements UserEvent.
func (e RoomCreated) ByUser() UserID { return e.User }

func (e RoomCreated) number() int64 { return int64(e.Rooms) }

func (e RoomCreated) evolve(Room) Room { return Room{Open: true, NameKey: e.NameKey} }

// RoomNameClaimed says which room a name belongs to from now on.
type RoomNameClaimed struct {
	Key  string `json:"key"` // keyed hash of the folded name
	Room RoomID `json:"room"`
}

// Type implements Event.
func (RoomNameClaimed) Type() string { return "room.name_claimed.v1" }

// Stream implements Event.
func (e RoomNameClaimed) Stream() Stream { return roomNameOf(e.Key) }

func (e RoomNameClaimed) evolve(RoomName) RoomName { return RoomName{Room: e.Room, Used: true} }

// RemoveRoom asks to remove a chat room for good. What was said in it stays in the log; its name is free.
type RemoveRoom struct {
	Room    RoomID `json:"room"`
	NameKey string `json:"-"` // of its name, looked up by the door
}

// Type implements Command.
func (RemoveRoom) Type() string { return "room.remove" }

// Reads implements Command.
func (c RemoveRoom) Reads(Actor) []Stream {
	return []Stream{roomOf(c.Room), roomNameOf(c.NameKey), roomCount}
}

func (c RemoveRoom) decide(see View) ([]Event, error) {
	room := see.Room(c.Room)
	if err := room.open(); err != nil {
		return nil, err
	}
	if room.NameKey != c.NameKey {
		return nil, refuse(CodeBadRequest, "room %s has another name", c.Room)
	}
	return []Event{RoomRemoved{c.Room, see.Rooms() - 1}, RoomNameFreed{c.NameKey, c.Room}}, nil
}

// RoomRemoved says that a chat room is gone for good.
type RoomRemoved struct {
	Room  RoomID `json:"room"`
	Rooms int    `json:"rooms"` // how many are left
}

// Type implements Event.
func (RoomRemoved) Type() string { return "room.removed.v1" }

// Stream implements Event.
func (e RoomRemoved) Stream() Stream { return roomOf(e.Room) }

func (e RoomRemoved) number() int64 { return int64(e.Rooms) }

func (RoomRemoved) evolve(r Room) Room { r.Open = false; return r }

// RoomNameFreed says that a name belongs to no room any more.
type RoomNameFreed struct {
	Key  string `json:"key"` // keyed hash of the folded name
	Room RoomID `json:"room"`
}

// Type implements Event.
func (RoomNameFreed) Type() string { return "room.name_freed.v1" }

// Stream implements Event.
func (e RoomNameFreed) Stream() Stream { return roomNameOf(e.Key) }

func (RoomNameFreed) evolve(n RoomName) RoomName { n.Room = ""; return n }

func (r Room) open() error {
	if !r.Open {
		return refuse(CodeRoomNotFound, "there is no such room")
	}
	return nil
}

// streamsOf names the streams of chat rooms.
func streamsOf(rooms []RoomID) []Stream {
	streams := make([]Stream, 0, len(rooms))
	for _, r := range rooms {
		streams = append(streams, roomOf(r))
	}
	return streams
}

// distinct says whether no room is named twice.
func distinct(rooms []RoomID) bool {
	for i, r := range rooms {
		if slices.Contains(rooms[:i], r) {
			return false
		}
	}
	return true
}
