package domain

import "slices"

const chatRoomIDLength = 24

// IsChatRoomID reports whether s has the form of a chat room id. No chat room may have a name of this form, so clients
// may send either the id or the name in the same field.
func IsChatRoomID(s string) bool { return len(s) == chatRoomIDLength && hexadecimal(s) }

// ChatRoom is the state of a chat room.
type ChatRoom struct {
	Open    bool   `json:"open"` // whether the chat room exists and is not removed
	NameKey string `json:"name_key"`
}

// ChatRoom returns the state of a chat room.
func (v View) ChatRoom(id ChatRoomID) ChatRoom { return look[ChatRoom](v, chatRoomStream(id)) }

// ChatRoomCount returns the number of chat rooms that exist.
func (v View) ChatRoomCount() int { return int(look[Counter](v, chatRoomCount).Value) }

// openChatRoom returns the state of a chat room. It refuses if the chat room does not exist or was removed.
func (v View) openChatRoom(id ChatRoomID) (ChatRoom, error) {
	room := v.ChatRoom(id)
	if !room.Open {
		return room, refuse(CodeChatRoomNotFound, "there is no such chat room")
	}
	return room, nil
}

// ChatRoomName is the state of the name of a chat room.
type ChatRoomName struct {
	ChatRoom ChatRoomID `json:"chat_room"` // the chat room that has the name now; "" if there is none
	Used     bool       `json:"used"`      // whether a chat room has or ever had the name
}

// ChatRoomName returns the state of the chat room name with the given key.
func (v View) ChatRoomName(key string) ChatRoomName {
	return look[ChatRoomName](v, chatRoomNameStream(key))
}

// CreateChatRoom creates a chat room under a name that no chat room has. It does not require sign-in.
//
// If the actor is System, nothing changes when a chat room has or ever had the name: the default chat room stays
// removed after an operator has removed it.
type CreateChatRoom struct {
	Name         string     `json:"name"` // name of the chat room: 1–32 characters
	ChatRoom     ChatRoomID `json:"-"`    // random id of the chat room
	NameKey      string     `json:"-"`    // keyed hash of the case-folded name
	MaxChatRooms int        `json:"-"`    // maximum number of chat rooms including this one; not checked for operators
}

func (CreateChatRoom) Type() string { return "chat_room.create" }

func (c CreateChatRoom) Reads(Actor) []Stream {
	return []Stream{chatRoomStream(c.ChatRoom), chatRoomNameStream(c.NameKey), chatRoomCount}
}

func (c CreateChatRoom) decide(view View) ([]Event, error) {
	name, err := visibleName("name", c.Name, 1, maxName)
	if err != nil {
		return nil, err
	}
	limited := view.Actor.Kind == Anonymous || view.Actor.Kind == Authenticated
	count := view.ChatRoomCount()
	switch holder := view.ChatRoomName(c.NameKey); {
	case !IsChatRoomID(string(c.ChatRoom)) || c.NameKey == "": // a fault of the server
		return nil, refuse(CodeBadRequest, "a chat room requires an id of %d of 0-9a-f and the key of its name", chatRoomIDLength)
	case view.Actor.Kind == System && holder.Used:
		return nil, nil
	case holder.ChatRoom != "" || IsChatRoomID(name) || view.ChatRoom(c.ChatRoom).NameKey != "":
		return nil, refuse(CodeChatRoomTaken, "a chat room with this name or id exists already")
	case limited && count >= c.MaxChatRooms:
		return nil, refuse(CodeTooManyChatRooms, "the limit of chat rooms is reached: there are %d", count)
	}
	return []Event{
		ChatRoomCreated{c.ChatRoom, name, c.NameKey, view.Actor.User, count + 1},
		ChatRoomNameClaimed{c.NameKey, c.ChatRoom},
	}, nil
}

// ChatRoomCreated records a new chat room.
type ChatRoomCreated struct {
	ChatRoom ChatRoomID `json:"chat_room"` // the new chat room: 24 characters of 0-9a-f
	Name     string     `json:"name"`      // name of the chat room, shown to users
	NameKey  string     `json:"name_key"`  // keyed hash of the case-folded name
	User     UserID     `json:"user"`      // the user who created the chat room; 0 for an operator or an anonymous user
	Total    int        `json:"total"`     // number of chat rooms including this one
}

func (ChatRoomCreated) Type() string               { return "chat_room.created.v1" }
func (e ChatRoomCreated) Stream() Stream           { return chatRoomStream(e.ChatRoom) }
func (e ChatRoomCreated) EventUser() UserID        { return e.User }
func (e ChatRoomCreated) count() int64             { return int64(e.Total) }
func (e ChatRoomCreated) evolve(ChatRoom) ChatRoom { return ChatRoom{Open: true, NameKey: e.NameKey} }

// ChatRoomNameClaimed records that a chat room has taken a name.
type ChatRoomNameClaimed struct {
	Key      string     `json:"key"`       // keyed hash of the case-folded name
	ChatRoom ChatRoomID `json:"chat_room"` // the chat room that has taken the name
}

func (ChatRoomNameClaimed) Type() string     { return "chat_room.name_claimed.v1" }
func (e ChatRoomNameClaimed) Stream() Stream { return chatRoomNameStream(e.Key) }
func (e ChatRoomNameClaimed) evolve(ChatRoomName) ChatRoomName {
	return ChatRoomName{ChatRoom: e.ChatRoom, Used: true}
}

// RemoveChatRoom permanently removes a chat room and releases its name. Its messages stay in the log.
type RemoveChatRoom struct {
	ChatRoom ChatRoomID `json:"chat_room"` // the chat room to remove
	Reason   string     `json:"reason"`    // the operator's reason, stored in the event: at most 100 characters, may be empty
	NameKey  string     `json:"-"`         // keyed hash of the case-folded name
}

func (RemoveChatRoom) Type() string { return "chat_room.remove" }

func (c RemoveChatRoom) Reads(Actor) []Stream {
	return []Stream{chatRoomStream(c.ChatRoom), chatRoomNameStream(c.NameKey), chatRoomCount}
}

func (c RemoveChatRoom) decide(view View) ([]Event, error) {
	room, err := view.openChatRoom(c.ChatRoom)
	if err != nil {
		return nil, err
	}
	if room.NameKey != c.NameKey {
		return nil, refuse(CodeBadRequest, "chat room %s has another name", c.ChatRoom)
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	return []Event{
		ChatRoomRemoved{c.ChatRoom, view.ChatRoomCount() - 1, reason},
		ChatRoomNameReleased{c.NameKey, c.ChatRoom},
	}, nil
}

// reasonUnused is the reason in ChatRoomRemoved when a chat room was removed because nobody used it.
const reasonUnused = "unused"

// ExpireChatRoom removes a chat room that nobody uses. Another chat room can then have its name, and it no longer
// counts towards the limit of chat rooms.
type ExpireChatRoom struct {
	ChatRoom ChatRoomID `json:"chat_room"` // the chat room to remove
	NameKey  string     `json:"-"`         // keyed hash of the case-folded name
}

func (ExpireChatRoom) Type() string { return "chat_room.expire" }

func (c ExpireChatRoom) Reads(actor Actor) []Stream {
	return RemoveChatRoom{ChatRoom: c.ChatRoom, NameKey: c.NameKey}.Reads(actor)
}

func (c ExpireChatRoom) decide(view View) ([]Event, error) {
	return RemoveChatRoom{ChatRoom: c.ChatRoom, NameKey: c.NameKey, Reason: reasonUnused}.decide(view)
}

// ChatRoomRemoved records that a chat room was permanently removed.
type ChatRoomRemoved struct {
	ChatRoom ChatRoomID `json:"chat_room"` // the chat room that was removed
	Total    int        `json:"total"`     // number of chat rooms after the removal
	Reason   string     `json:"reason"`    // the operator's reason, or "unused"; not sealed; may be empty
}

func (ChatRoomRemoved) Type() string               { return "chat_room.removed.v1" }
func (e ChatRoomRemoved) Stream() Stream           { return chatRoomStream(e.ChatRoom) }
func (e ChatRoomRemoved) count() int64             { return int64(e.Total) }
func (ChatRoomRemoved) evolve(r ChatRoom) ChatRoom { r.Open = false; return r }

// ChatRoomNameReleased records that the name of a removed chat room is free again.
type ChatRoomNameReleased struct {
	Key      string     `json:"key"`       // keyed hash of the case-folded name
	ChatRoom ChatRoomID `json:"chat_room"` // the chat room that had the name
}

func (ChatRoomNameReleased) Type() string                       { return "chat_room.name_released.v1" }
func (e ChatRoomNameReleased) Stream() Stream                   { return chatRoomNameStream(e.Key) }
func (ChatRoomNameReleased) evolve(n ChatRoomName) ChatRoomName { n.ChatRoom = ""; return n }

func chatRoomStreams(rooms []ChatRoomID) []Stream {
	streams := make([]Stream, 0, len(rooms))
	for _, r := range rooms {
		streams = append(streams, chatRoomStream(r))
	}
	return streams
}

// distinct reports whether no chat room occurs twice in the list.
func distinct(rooms []ChatRoomID) bool {
	for i, r := range rooms {
		if slices.Contains(rooms[:i], r) {
			return false
		}
	}
	return true
}
