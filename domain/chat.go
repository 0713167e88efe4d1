package domain

import (
	"slices"
)

// ChatProfile is the kind of chat that the client of a participant supports.
type ChatProfile string

// The chat profiles.
const (
	ProfileNative   ChatProfile = "native"   // the client uses the native protocol
	ProfilePlain    ChatProfile = "plain"    // the client sends plain messages under a nickname to all participants
	ProfileExchange ChatProfile = "exchange" // the client exchanges messages with other connections of its chat room
	ProfileRooms    ChatProfile = "rooms"    // the client uses chat rooms that show earlier messages; the user is signed in
)

var chatProfiles = [...]ChatProfile{ProfileNative, ProfilePlain, ProfileExchange, ProfileRooms}

// MaxJoinedChatRooms is the maximum number of chat rooms that one participant can be in at the same time.
const MaxJoinedChatRooms = 16

// EnterChat makes a connection a participant of the chat and, if a chat room is given, joins the chat room. If the
// command is refused, neither happens. The event ParticipantEntered contains the id of the participant, which later
// commands need.
//
// Only a participant without an account has a Nickname. For a signed-in user, NameKey is the keyed hash of the name in
// the user's profile.
type EnterChat struct {
	ChatRoom   ChatRoomID  `json:"chat_room"` // the chat room to join; "" for none
	Nickname   string      `json:"nickname"`  // nickname of a participant without an account: 1–20 characters; "" to set it later
	NameKey    string      `json:"-"`         // keyed hash of the lookalike form of the name; "" if the participant has no name
	Connection string      `json:"-"`         // public id of the connection: 1–64 bytes
	Profile    ChatProfile `json:"-"`         // the kind of chat that the client supports
	Node       string      `json:"-"`         // the node that holds the connection
}

func (EnterChat) Type() string { return "participant.enter" }

// Reads returns the streams that the decision reads. The stream of the participant is not among them, because it does
// not exist yet.
func (c EnterChat) Reads(actor Actor) []Stream {
	streams := append(streamsOf(nicknameStream, c.NameKey), nextParticipant)
	if c.NameKey != "" && actor.User == 0 {
		streams = append(streams, usernameStream(c.NameKey))
	}
	if c.ChatRoom != "" {
		streams = append(streams, chatRoomStream(c.ChatRoom))
	}
	return streams
}

func (c EnterChat) serverTexts() []string { return []string{c.Node, c.Connection} }

func (c EnterChat) decide(view View) ([]Event, error) {
	id, user := view.NextParticipant(), view.Actor.User
	if c.Connection == "" || len(c.Connection) > maxConnectionID || !slices.Contains(chatProfiles[:], c.Profile) {
		return nil, refuse(CodeBadRequest, "a participant requires a connection of 1 to %d bytes and a profile of %v", maxConnectionID, chatProfiles)
	}
	nickname, err := view.checkNickname(c.Nickname, c.NameKey, false)
	if err != nil {
		return nil, err
	}
	events := []Event{ParticipantEntered{id, c.Connection, c.Profile, user, nickname, c.NameKey, c.Node}}
	if c.NameKey != "" {
		events = append(events, NicknameClaimed{c.NameKey, id})
	}
	if c.ChatRoom == "" {
		return events, nil
	}
	if _, err := view.openChatRoom(c.ChatRoom); err != nil {
		return nil, err
	}
	return append(events, ChatRoomJoined{id, c.Connection, user, c.ChatRoom}), nil
}

// ParticipantEntered records that a participant has entered the chat on a connection.
type ParticipantEntered struct {
	Participant ParticipantID `json:"participant"` // the new participant; every connection that enters the chat gets a new id
	Connection  string        `json:"connection"`  // public id of the connection
	Profile     ChatProfile   `json:"profile"`     // the kind of chat that the client supports
	User        UserID        `json:"user"`        // the signed-in user; 0 if nobody is signed in on the connection
	Nickname    string        `json:"nickname"`    // nickname of a participant without an account; may be empty
	NameKey     string        `json:"name_key"`    // keyed hash of the lookalike form of the name; "" if the participant has no name
	Node        string        `json:"node"`        // the node that holds the connection
}

func (ParticipantEntered) Type() string        { return "participant.entered.v1" }
func (e ParticipantEntered) Stream() Stream    { return participantStream(e.Participant) }
func (e ParticipantEntered) EventUser() UserID { return e.User }
func (e ParticipantEntered) count() int64      { return int64(e.Participant) }
func (e ParticipantEntered) evolve(Participant) Participant {
	return Participant{Present: true, Connection: e.Connection, User: e.User, NameKey: e.NameKey, Node: e.Node}
}
func (e *ParticipantEntered) personal() (UserID, []*string) {
	return KeyOwner(e.User, e.Participant), []*string{&e.Nickname}
}

// LeaveChat records that the connection of a participant has ended. The participant leaves all chat rooms and releases
// the nickname. Nothing changes if the participant is not in the chat or its connection is on another node.
type LeaveChat struct {
	Participant ParticipantID `json:"participant"` // the participant who leaves
	Cause       LeaveCause    `json:"cause"`       // why the participant leaves
	Node        string        `json:"node"`        // the node that held the connection
	NameKey     string        `json:"-"`           // keyed hash of the participant's name, which is released
}

func (LeaveChat) Type() string { return "participant.leave" }

func (c LeaveChat) Reads(Actor) []Stream {
	return append(streamsOf(nicknameStream, c.NameKey), participantStream(c.Participant))
}

func (c LeaveChat) serverTexts() []string { return []string{c.Node} }

func (c LeaveChat) decide(view View) ([]Event, error) {
	if c.Cause != LeaveRequested && c.Cause != LeaveConnectionLost && c.Cause != LeaveNodeLost {
		return nil, refuse(CodeBadRequest, "cause must be one of %v", leaveCauses[:3])
	}
	participant := view.Participant(c.Participant)
	switch {
	case !participant.Present || participant.Node != c.Node:
		return nil, nil
	case participant.NameKey != c.NameKey:
		return nil, refuse(CodeBadRequest, "participant %d has another name", c.Participant)
	}
	var events []Event
	for _, room := range participant.ChatRooms {
		events = append(events, ChatRoomLeft{c.Participant, participant.Connection, participant.User, room, c.Cause})
	}
	events = append(events, ParticipantLeft{c.Participant, participant.Connection, participant.User, c.Cause})
	if c.NameKey != "" {
		events = append(events, NicknameReleased{c.NameKey, c.Participant})
	}
	return events, nil
}

// ParticipantLeft records that a participant has left the chat. The log contains a ChatRoomLeft event for each of the
// participant's chat rooms before it.
type ParticipantLeft struct {
	Participant ParticipantID `json:"participant"` // the participant who left
	Connection  string        `json:"connection"`  // public id of the connection
	User        UserID        `json:"user"`        // the signed-in user; 0 if nobody was signed in on the connection
	Cause       LeaveCause    `json:"cause"`       // why the participant left
}

func (ParticipantLeft) Type() string        { return "participant.left.v1" }
func (e ParticipantLeft) Stream() Stream    { return participantStream(e.Participant) }
func (e ParticipantLeft) EventUser() UserID { return e.User }
func (ParticipantLeft) evolve(p Participant) Participant {
	p.Present, p.Node, p.NameKey, p.ChatRooms = false, "", "", nil
	return p
}

// JoinChatRoom adds a participant to a chat room. Nothing changes if the participant is already in the chat room.
type JoinChatRoom struct {
	ChatRoom    ChatRoomID    `json:"chat_room"` // the chat room to join
	Participant ParticipantID `json:"-"`         // the participant who joins
}

func (JoinChatRoom) Type() string { return "chat_room.join" }

func (c JoinChatRoom) Reads(Actor) []Stream {
	return []Stream{participantStream(c.Participant), chatRoomStream(c.ChatRoom)}
}

func (c JoinChatRoom) decide(view View) ([]Event, error) {
	participant, err := view.ownParticipant(c.Participant)
	if err != nil {
		return nil, err
	}
	if _, err := view.openChatRoom(c.ChatRoom); err != nil {
		return nil, err
	}
	switch {
	case slices.Contains(participant.ChatRooms, c.ChatRoom):
		return nil, nil
	case len(participant.ChatRooms) >= MaxJoinedChatRooms:
		return nil, refuse(CodeNumberOutOfRange, "a participant must be in at most %d chat rooms", MaxJoinedChatRooms)
	}
	return []Event{ChatRoomJoined{c.Participant, participant.Connection, participant.User, c.ChatRoom}}, nil
}

// ChatRoomJoined records that a participant has joined a chat room.
type ChatRoomJoined struct {
	Participant ParticipantID `json:"participant"` // the participant who joined
	Connection  string        `json:"connection"`  // public id of the connection
	User        UserID        `json:"user"`        // the signed-in user; 0 if nobody is signed in on the connection
	ChatRoom    ChatRoomID    `json:"chat_room"`   // the chat room that was joined
}

func (ChatRoomJoined) Type() string        { return "chat_room.joined.v1" }
func (e ChatRoomJoined) Stream() Stream    { return participantStream(e.Participant) }
func (e ChatRoomJoined) EventUser() UserID { return e.User }
func (e ChatRoomJoined) evolve(p Participant) Participant {
	p.ChatRooms = append(slices.Clone(p.ChatRooms), e.ChatRoom)
	return p
}

// LeaveChatRoom removes a participant from a chat room. Nothing changes if the participant is not in the chat room.
type LeaveChatRoom struct {
	ChatRoom    ChatRoomID    `json:"chat_room"` // the chat room to leave
	Participant ParticipantID `json:"-"`         // the participant who leaves
}

func (LeaveChatRoom) Type() string { return "chat_room.leave" }

func (c LeaveChatRoom) Reads(Actor) []Stream { return []Stream{participantStream(c.Participant)} }

func (c LeaveChatRoom) decide(view View) ([]Event, error) {
	participant, err := view.ownParticipant(c.Participant)
	if err != nil || !slices.Contains(participant.ChatRooms, c.ChatRoom) {
		return nil, err
	}
	return []Event{ChatRoomLeft{c.Participant, participant.Connection, participant.User, c.ChatRoom, LeaveRequested}}, nil
}

// ChatRoomLeft records that a participant has left a chat room.
type ChatRoomLeft struct {
	Participant ParticipantID `json:"participant"` // the participant who left
	Connection  string        `json:"connection"`  // public id of the connection
	User        UserID        `json:"user"`        // the signed-in user; 0 if nobody is signed in on the connection
	ChatRoom    ChatRoomID    `json:"chat_room"`   // the chat room that was left
	Cause       LeaveCause    `json:"cause"`       // why the participant left
}

func (ChatRoomLeft) Type() string        { return "chat_room.left.v1" }
func (e ChatRoomLeft) Stream() Stream    { return participantStream(e.Participant) }
func (e ChatRoomLeft) EventUser() UserID { return e.User }
func (e ChatRoomLeft) evolve(p Participant) Participant {
	left := slices.DeleteFunc(slices.Clone(p.ChatRooms), func(r ChatRoomID) bool { return r == e.ChatRoom })
	p.ChatRooms = nil
	if len(left) > 0 {
		p.ChatRooms = left
	}
	return p
}

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
