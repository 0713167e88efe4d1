package domain

import "slices"

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
