package domain

import "strconv"

// Ids are small integers, as old clients expect. They are handed out 1, 2, 3, ….
type (
	// UserID is a person.
	UserID int64
	// LiveID is a room.
	LiveID int64
	// GiftID is an entry of the shelf.
	GiftID int64
)

// OrderID names a top-up order; the door that takes the order draws it at random.
type OrderID string

// Coins is an amount or a balance in whole coins.
type Coins int64

// MaxCoins bounds every wallet, so that clients whose numbers are doubles read each
// balance exactly (2^53 − 1).
const MaxCoins Coins = 1<<53 - 1

// Stream names the smallest state that can refuse something: "wallet-12".
type Stream string

// Streams of the core.
func userOf(id UserID) Stream             { return stream("user-", int64(id)) }
func sessionOf(id UserID) Stream          { return stream("session-", int64(id)) }
func walletOf(id UserID) Stream           { return stream("wallet-", int64(id)) }
func liveOf(id LiveID) Stream             { return stream("live-", int64(id)) }
func chatOf(id LiveID) Stream             { return stream("comment-", int64(id)) }
func connectionOf(id ConnectionID) Stream { return Stream("connection-" + string(id)) }
func playerOf(id PlayerID) Stream         { return Stream("player-" + string(id)) }
func giftOf(id GiftID) Stream             { return stream("gift-", int64(id)) }
func orderOf(id OrderID) Stream           { return Stream("order-" + string(id)) }
func nameOf(key string) Stream            { return Stream("username-" + key) }
func emailOf(key string) Stream           { return Stream("email-" + key) }
func recordingOf(id RecordingID) Stream   { return Stream("recording-" + string(id)) }
func visitOf(l LiveID, u UserID) Stream {
	return stream("visit-"+strconv.FormatInt(int64(l), 10)+"-", int64(u))
}

// Streams of the chat.
func roomOf(id ChatRoomID) Stream     { return Stream("chatroom-" + string(id)) }
func roomNameOf(key string) Stream    { return Stream("chatroomname-" + key) }
func guestOf(id ParticipantID) Stream { return stream("participant-", int64(id)) }
func nicknameOf(key string) Stream    { return Stream("nickname-" + key) }

// WalletStream is the stream of one person's coins, for those who review it.
func WalletStream(id UserID) Stream { return walletOf(id) }

func stream(prefix string, id int64) Stream { return Stream(prefix + strconv.FormatInt(id, 10)) }

// Prefix is the noun a stream's name begins with: "wallet" of "wallet-12".
func (s Stream) Prefix() string {
	for i := range s {
		if s[i] == '-' {
			return string(s[:i])
		}
	}
	return string(s)
}

// An Event is a fact: it has happened, and it belongs to one stream.
type Event interface {
	Type() string // "gift.sent.v1"
	Stream() Stream
}

// A LiveEvent happened in one room; the log can be read by room.
type LiveEvent interface {
	Event
	EventLive() LiveID
}

// A CoinEvent moves coins between accounts. Its entries add up to zero.
type CoinEvent interface {
	Event
	EventPostings() []Posting
}

// A ForgetEvent destroys the key that seals somebody's texts.
type ForgetEvent interface {
	Event
	// Forgets answers whose, like KeyOwner.
	ForgottenKeyOwner() UserID
}

// A UserEvent has one person whose doing it is, for whoever filters the log by person; 0 for somebody who is
// not signed in.
type UserEvent interface {
	Event
	EventUser() UserID
}

// A Command asks for something. Reads names every stream that its decision looks at
// or appends to; their states are loaded, newest, before it is decided. The fields that
// a door adds (random ids, keyed hashes) are not part of its JSON form.
type Command interface {
	Type() string // "gift.send"
	Reads(by Actor) []Stream
}
