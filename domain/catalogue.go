package domain

import (
	"encoding/json"
	"fmt"
)

// Commands is everything anyone may ask for, with who may.
var Commands = []CommandSpec{
	command[RegisterUser](anyone),
	command[RegisterByEmail](anyone),
	command[SignIn](anyone),
	command[SignOut](person),
	command[ChangeProfile](person),
	command[IncrementAge](person),
	command[DisableUser](operator),
	command[EnableUser](operator),
	command[GrantRole](operator),
	command[RevokeRole](operator),
	command[ForgetUser](operator),
	command[KickUser](operator),
	command[KickConnection](operator),
	command[BanUser](operator),
	command[UnbanUser](operator),
	command[CreateLive](person),
	command[ChangeLiveStatus](member),
	command[BanViewer](member),
	command[UnbanViewer](member),
	command[StartBroadcast](system),
	command[StopBroadcast](system),
	command[KickBroadcast](operator),
	command[KickPlayer](operator),
	command[SetRecording](person),
	command[StartRecording](system),
	command[FinishRecording](system),
	command[DeleteRecording](person),
	command[DiscardRecording](system),
	command[JoinLive](person),
	command[LeaveLive](system),
	command[PostComment](person),
	command[AddGift](operator),
	command[RepriceGift](operator),
	command[WithdrawGift](operator),
	command[CreateChatRoom](anyone),
	command[RemoveChatRoom](operator),
	command[EnterChat](anyone),
	command[SetNickname](anyone),
	command[JoinChatRoom](anyone),
	command[LeaveChatRoom](anyone),
	command[LeaveChat](system),
	command[ForgetParticipant](operator),
	command[PostMessage](anyone),
	coins(command[SendGift](person)),
	coins(command[PlaceOrder](person)),
	coins(command[PayOrder](provider)),
	coins(command[CreditCoins](operator)),
}

// Events is the whole vocabulary of the log, each with the state it folds into.
var Events = []EventSpec{
	counted(personal[UserRegistered](event[UserRegistered, User]()), nextUser),
	personal[UserProfileChanged](event[UserProfileChanged, User]()),
	event[UserAgeChanged, User](),
	personal[UserDisabled](event[UserDisabled, User]()),
	personal[UserEnabled](event[UserEnabled, User]()),
	personal[UserRoleGranted](event[UserRoleGranted, User]()),
	personal[UserRoleRevoked](event[UserRoleRevoked, User]()),
	event[UserForgotten, User](),
	personal[UserKicked](event[UserKicked, User]()),
	event[ConnectionKicked, Stateless](),
	personal[UserBanned](event[UserBanned, User]()),
	personal[UserUnbanned](event[UserUnbanned, User]()),
	event[UsernameClaimed, Username](),
	personal[UserEmailAdded](event[UserEmailAdded, User]()),
	event[EmailClaimed, Email](),
	event[UserSignedIn, Session](),
	event[UserSignedOut, Session](),
	counted(personal[LiveCreated](event[LiveCreated, Live]()), nextLive),
	event[LiveStatusChanged, Live](),
	personal[ViewerBanned](event[ViewerBanned, Live]()),
	event[ViewerUnbanned, Live](),
	event[BroadcastStarted, Live](),
	event[BroadcastStopped, Live](),
	event[PlayerKicked, Stateless](),
	event[LiveRecordingSet, Live](),
	event[RecordingStarted, Recording](),
	event[RecordingFinished, Recording](),
	event[RecordingDeleted, Recording](),
	event[ViewerJoined, Visit](),
	event[ViewerMoved, Visit](),
	event[ViewerLeft, Visit](),
	personal[CommentPosted](event[CommentPosted, Stateless]()),
	tallied(event[ChatRoomCreated, ChatRoom](), roomCount),
	event[ChatRoomNameClaimed, ChatRoomName](),
	tallied(event[ChatRoomRemoved, ChatRoom](), roomCount),
	event[ChatRoomNameReleased, ChatRoomName](),
	counted(personal[ParticipantEntered](event[ParticipantEntered, Participant]()), nextGuest),
	personal[NicknameSet](event[NicknameSet, Participant]()),
	event[NicknameClaimed, Nickname](),
	event[NicknameReleased, Nickname](),
	event[ChatRoomJoined, Participant](),
	event[ChatRoomLeft, Participant](),
	event[ParticipantLeft, Participant](),
	event[ParticipantForgotten, Participant](),
	personal[MessagePosted](event[MessagePosted, Stateless]()),
	personal[OrderPlaced](event[OrderPlaced, Order]()),
	event[OrderPaid, Order](),
	event[CoinsCredited, Wallet](),
	event[GiftSent, Wallet](),
	counted(event[GiftAdded, Gift](), nextGift),
	event[GiftRepriced, Gift](),
	event[GiftWithdrawn, Gift](),
}

// States is every kind of stream, by the noun its name begins with. Format changes when the meaning
// of a state's fields does: snapshots of another format are not used.
var States = []StateSpec{
	state[User]("user", 1),
	state[Username]("username", 1),
	state[Email]("email", 1),
	state[Session]("session", 1),
	state[Live]("live", 1),
	state[Recording]("recording", 1),
	state[Visit]("visit", 1),
	state[Stateless]("comment", 1),
	state[Stateless]("connection", 1),
	state[Stateless]("player", 1),
	state[ChatRoom]("chatroom", 1),
	state[ChatRoomName]("chatroomname", 1),
	state[Participant]("participant", 1),
	state[Nickname]("nickname", 1),
	state[Stateless]("message", 1),
	state[Order]("order", 1),
	state[Wallet]("wallet", 1),
	state[Gift]("gift", 1),
}

// Stateless is the state of a stream that is only ever appended to: no decision looks at it, so
// nobody reads it to append.
type Stateless struct{}

type decision interface {
	Command
	decide(see View) ([]Event, error)
}

type fold[S any] interface {
	Event
	evolve(S) S
}

// CommandSpec describes one command type.
type CommandSpec struct {
	Type       string
	MovesCoins bool    // moves coins: its idempotency keys are kept for ever, and its refusals too
	Zero       Command // an empty one, for documentation
	access     access
	decide     func(Command, View) ([]Event, error)
}

// Access names who may ask for it: "anyone", "person", "operator", "person or operator", "system" or "provider".
func (s CommandSpec) Access() string { return s.access.String() }

// EventSpec describes one event type.
type EventSpec struct {
	Type string
	Zero Event // an empty one, for documentation
	// Decode reads the payload of exactly this version.
	Decode func(payload []byte) (Event, error)
	// Personal answers whose texts e holds and where they are in the copy that it returns
	// with them; it is nil for events without a person's texts.
	Personal func(e Event) (copy func() Event, owner UserID, texts []*string)
	// Older turns payloads of earlier versions, by their type, into a payload of this one.
	Upcasters map[string]Upcaster

	evolve  func(state any, e Event) (any, error)
	counter Stream
	opens   bool // takes an id of the counter's
}

// An Upcast turns the payload of an earlier version of an event into one of the present version.
// Personal texts in it are still sealed.
type Upcaster func(payload []byte) ([]byte, error)

// StateSpec describes the state of one kind of stream.
type StateSpec struct {
	Prefix    string
	Format    int
	Stateless bool
	Decode    func([]byte) (any, error)
}

func command[C decision](who access) CommandSpec {
	var zero C
	return CommandSpec{Type: zero.Type(), Zero: zero, access: who,
		decide: func(c Command, v View) ([]Event, error) {
			own, ok := c.(C)
			if !ok {
				return nil, fmt.Errorf("%s: a command is passed as a %T, not as a %T", c.Type(), own, c)
			}
			return own.decide(v)
		}}
}

func coins(s CommandSpec) CommandSpec { s.MovesCoins = true; return s }

func event[E fold[S], S any]() EventSpec {
	var zero E
	return EventSpec{
		Type: zero.Type(), Zero: zero,
		Decode: func(payload []byte) (Event, error) {
			var e E
			if err := json.Unmarshal(payload, &e); err != nil {
				return nil, fmt.Errorf("decode %s: %w", e.Type(), err)
			}
			return e, nil
		},
		evolve: func(state any, e Event) (any, error) {
			before, err := kind[S](e.Stream(), state)
			if err != nil {
				return nil, err
			}
			return e.(E).evolve(before), nil
		},
	}
}

func personal[E Event, P interface {
	*E
	personal() (UserID, []*string)
}](s EventSpec) EventSpec {
	s.Personal = func(e Event) (func() Event, UserID, []*string) {
		own := e.(E)
		owner, texts := P(&own).personal()
		return func() Event { return own }, owner, texts
	}
	return s
}

// counted is an event that takes an id.
func counted(s EventSpec, counter Stream) EventSpec {
	s = tallied(s, counter)
	s.opens = true
	return s
}

// tallied is an event that says how many there are.
func tallied(s EventSpec, counter Stream) EventSpec {
	if _, ok := s.Zero.(numbered); !ok {
		panic("domain: " + s.Type + " has no number")
	}
	s.counter = counter
	return s
}

func state[S any](prefix string, format int) StateSpec {
	var zero S
	_, stateless := any(zero).(Stateless)
	return StateSpec{Prefix: prefix, Format: format, Stateless: stateless, Decode: func(b []byte) (any, error) {
		var s S
		if err := json.Unmarshal(b, &s); err != nil {
			return nil, fmt.Errorf("decode the state of a %s stream: %w", prefix, err)
		}
		return s, nil
	}}
}

var (
	commands = index(Commands, func(s CommandSpec) string { return s.Type })
	events   = index(Events, func(s EventSpec) string { return s.Type })
	states   = index(States, func(s StateSpec) string { return s.Prefix })
)

func index[T any](specs []T, key func(T) string) map[string]T {
	m := make(map[string]T, len(specs))
	for _, s := range specs {
		if _, twice := m[key(s)]; twice {
			panic("domain: listed twice in the catalogue: " + key(s))
		}
		m[key(s)] = s
	}
	return m
}
