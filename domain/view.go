package domain

import (
	"fmt"
	"time"
)

// A View is what a decision may look at: who asks, the time, and the newest states of the
// streams that its request named.
type View struct {
	Actor  Actor
	Now    time.Time // becomes recorded_at of what follows; never runs backwards
	states map[Stream]any
	fault  *error // set when a decision looks at what its request did not name, or a state is not of its kind
}

// User answers the newest state of an account, or the zero state of one without events.
// The other methods of its kind do the same for their streams.
func (v View) User(id UserID) User { return see[User](v, userOf(id)) }

// Session answers the newest session of a person.
func (v View) Session(id UserID) Session { return see[Session](v, sessionOf(id)) }

// Username answers who holds a name.
func (v View) Username(key string) Username { return see[Username](v, nameOf(key)) }

// Email answers who signs in by an e-mail address.
func (v View) Email(key string) Email { return see[Email](v, emailOf(key)) }

// ChatRoom answers a chat room.
func (v View) ChatRoom(id ChatRoomID) ChatRoom { return see[ChatRoom](v, roomOf(id)) }

// ChatRoomName answers which chat room has a name.
func (v View) ChatRoomName(key string) ChatRoomName { return see[ChatRoomName](v, roomNameOf(key)) }

// ChatRoomCount answers how many chat rooms there are.
func (v View) ChatRoomCount() int { return int(see[Counter](v, roomCount).Value) }

// Participant answers a guest of the chat.
func (v View) Participant(id ParticipantID) Participant { return see[Participant](v, guestOf(id)) }

// Nickname answers how many guests are called by a name.
func (v View) Nickname(key string) Nickname { return see[Nickname](v, nicknameOf(key)) }

// Live answers a room.
func (v View) Live(id LiveID) Live { return see[Live](v, liveOf(id)) }

// Recording answers a recording.
func (v View) Recording(id RecordingID) Recording { return see[Recording](v, recordingOf(id)) }

// Visit answers whether a person is in a room, and was before.
func (v View) Visit(l LiveID, u UserID) Visit { return see[Visit](v, visitOf(l, u)) }

// Gift answers an entry of the shelf.
func (v View) Gift(id GiftID) Gift { return see[Gift](v, giftOf(id)) }

// Order answers a top-up order.
func (v View) Order(id OrderID) Order { return see[Order](v, orderOf(id)) }

// Wallet answers a person's coins.
func (v View) Wallet(id UserID) Wallet { return see[Wallet](v, walletOf(id)) }

// isOperator says whether an operator asks, at the command line or with the role.
func (v View) isOperator() bool {
	return v.Actor.Kind == Operator || v.Actor.Kind == Authenticated && v.User(v.Actor.User).HasRole(RoleOperator)
}

// checkModerator answers nil to the streamer of a room, and to an operator.
func (v View) checkModerator(live Live, id LiveID) error {
	if live.Streamer == 0 || live.Streamer != v.Actor.User && !v.isOperator() {
		return refuse(CodeLiveNotFound, "there is no live %d of yours", id)
	}
	return nil
}

// NextUser hands out the next free user id.
func (v View) NextUser() UserID { return UserID(see[Counter](v, nextUser).Value + 1) }

// NextLive hands out the next free live id.
func (v View) NextLive() LiveID { return LiveID(see[Counter](v, nextLive).Value + 1) }

// NextGift hands out the next free gift id.
func (v View) NextGift() GiftID { return GiftID(see[Counter](v, nextGift).Value + 1) }

// NextParticipant hands out the next free number of a guest.
func (v View) NextParticipant() ParticipantID {
	return ParticipantID(see[Counter](v, nextGuest).Value + 1)
}

func see[S any](v View, s Stream) S {
	state, named := v.states[s]
	if !named {
		*v.fault = fmt.Errorf("decision looked at %s without naming it", s)
	}
	seen, err := kind[S](s, state)
	if err != nil {
		*v.fault = err
	}
	return seen
}

// kind answers the state of s, nil before its first event, as an S. A state of another kind is a
// fault that must not pass for an empty one.
func kind[S any](s Stream, state any) (S, error) {
	seen, ok := state.(S)
	if !ok && state != nil {
		return seen, fmt.Errorf("the state of %s is a %T, not a %T", s, state, seen)
	}
	return seen, nil
}

// A Counter is the state that hands out ids: the newest one taken; or that counts: how many there are. It
// folds from the events that say so, whatever their stream; its name is no stream of the log.
type Counter struct {
	Value int64
}

// The counters.
const (
	nextUser Stream = "next-user"
	nextLive Stream = "next-live"
	nextGift Stream = "next-gift"

	nextGuest Stream = "next-participant"
	roomCount Stream = "count-chatroom"
)

// numbered is an event that takes an id, or says how many there are.
type numbered interface{ number() int64 }
