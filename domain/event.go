package domain

import (
	"strconv"
	"strings"
)

// Numeric ids are assigned in the order 1, 2, 3, … Old clients expect small integers.
type (
	// UserID identifies a user.
	UserID int64
	// LiveID identifies a live.
	LiveID int64
	// GiftID identifies a gift in the gift catalogue.
	GiftID int64
	// ParticipantID identifies a participant of the chat. Every connection that enters the chat gets a new id.
	ParticipantID int64
)

// String ids are random. The server that receives the command chooses them.
type (
	// OrderID identifies an order of coins.
	OrderID string
	// BroadcastID identifies a broadcast. It stays the same when the encoder reconnects in time.
	BroadcastID string
	// RecordingID identifies a recording. It equals the BroadcastID of the recorded broadcast.
	RecordingID string
	// UploadID is the file name of an upload: 32 characters of 0-9a-f and an extension.
	UploadID string
	// ConnectionID identifies an open connection of a client.
	ConnectionID string
	// PlayerID identifies a client that is playing the stream of a live.
	PlayerID string
	// ChatRoomID identifies a chat room: 24 characters of 0-9a-f.
	ChatRoomID string
)

// Coins is an amount or a balance in whole coins.
type Coins int64

// MaxCoins is the largest balance of a wallet: 2^53 − 1. Clients that store numbers as doubles can represent every
// balance exactly.
const MaxCoins Coins = 1<<53 - 1

// Stream is the name of a stream, for example "wallet-12". A stream contains all events of one state. A decision reads
// whole streams, so a stream is the smallest state that can refuse a command.
type Stream string

func userStream(id UserID) Stream             { return numberedStream("user-", int64(id)) }
func usernameStream(key string) Stream        { return Stream("username-" + key) }
func emailStream(key string) Stream           { return Stream("email-" + key) }
func sessionStream(id UserID) Stream          { return numberedStream("session-", int64(id)) }
func connectionStream(id ConnectionID) Stream { return Stream("connection-" + string(id)) }

func liveStream(id LiveID) Stream           { return numberedStream("live-", int64(id)) }
func commentStream(id LiveID) Stream        { return numberedStream("comment-", int64(id)) }
func playerStream(id PlayerID) Stream       { return Stream("player-" + string(id)) }
func recordingStream(id RecordingID) Stream { return Stream("recording-" + string(id)) }
func visitStream(live LiveID, user UserID) Stream {
	var buffer [48]byte // so that only the name is allocated
	name := append(strconv.AppendInt(append(buffer[:0], "visit-"...), int64(live), 10), '-')
	return Stream(strconv.AppendInt(name, int64(user), 10))
}

func uploadStream(id UserID) Stream { return numberedStream("upload-", int64(id)) }
func giftStream(id GiftID) Stream   { return numberedStream("gift-", int64(id)) }
func orderStream(id OrderID) Stream { return Stream("order-" + string(id)) }

func chatRoomStream(id ChatRoomID) Stream       { return Stream("chatroom-" + string(id)) }
func chatRoomNameStream(key string) Stream      { return Stream("chatroomname-" + key) }
func participantStream(id ParticipantID) Stream { return numberedStream("participant-", int64(id)) }
func nicknameStream(key string) Stream          { return Stream("nickname-" + key) }

// streamsOf returns the streams of the keys that are not empty.
func streamsOf(stream func(key string) Stream, keys ...string) (streams []Stream) {
	for _, key := range keys {
		if key != "" {
			streams = append(streams, stream(key))
		}
	}
	return streams
}

// WalletStream returns the stream of a user's wallet.
func WalletStream(id UserID) Stream { return numberedStream("wallet-", int64(id)) }

// DirectMessageStream returns the stream of the messages that are sent to one user.
func DirectMessageStream(to UserID) Stream { return numberedStream("message-user-", int64(to)) }

func numberedStream(prefix string, id int64) Stream {
	var buffer [48]byte // so that only the name is allocated
	return Stream(strconv.AppendInt(append(buffer[:0], prefix...), id, 10))
}

// numberAfter returns the positive number that follows prefix in s, or 0 if there is none.
func numberAfter(prefix, s string) UserID {
	digits, ok := strings.CutPrefix(s, prefix)
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n < 1 || digits != strconv.FormatInt(n, 10) {
		return 0
	}
	return UserID(n)
}

// Prefix returns the part of the name before the first id: "wallet" for "wallet-12".
func (s Stream) Prefix() string {
	for i := range s {
		if s[i] == '-' {
			return string(s[:i])
		}
	}
	return string(s)
}

// Event is something that has happened and is recorded in the log. It belongs to exactly one stream.
type Event interface {
	// Type returns the name and the version of the event type: "gift.sent.v2".
	Type() string
	// Stream returns the stream to which the event is appended.
	Stream() Stream
}

// LiveEvent is an event that happened in one live. The log can be filtered by live.
type LiveEvent interface {
	Event
	// EventLive returns the id of the live.
	EventLive() LiveID
}

// UserEvent is an event about one user. The log can be filtered by user.
type UserEvent interface {
	Event
	// EventUser returns the id of the user; 0 for an anonymous user.
	EventUser() UserID
}

// ProfileTexts are the texts of a user's profile. No state contains them, because they are personal.
type ProfileTexts struct {
	Nickname string // name shown instead of the username, unless empty
	Avatar   string // image of the profile: http or https URL, or path of an upload; may be empty
}

// ProfileEvent is an event that contains all texts of a user's profile.
type ProfileEvent interface {
	UserEvent
	// ProfileAfter returns the texts of the profile after the event.
	ProfileAfter() ProfileTexts
}

// ForgetEvent is an event that erases texts. When the log appends it, the log destroys the key that seals the texts
// of the user or participant.
type ForgetEvent interface {
	Event
	// ForgottenKeyOwner returns the owner of the destroyed key (see KeyOwner).
	ForgottenKeyOwner() UserID
}
