package domain

import (
	"slices"
	"strings"
)

// MessageKind is what sort of thing is said.
type MessageKind string

// The kinds.
const (
	MessageText    MessageKind = "text"    // Text is what was said
	MessageSticker MessageKind = "sticker" // Text is the name of one that clients bring along, or the address of an uploaded picture
	MessageVoice   MessageKind = "voice"   // Text is the address of an uploaded sound, MS how long it is
)

// Bounds of messages.
const (
	maxMessage = 1000   // characters
	maxSticker = 32     // characters of a sticker's name
	maxVoice   = 120000 // milliseconds
	maxTargets = MaxJoinedChatRooms
)

// PostMessage asks to say something: in rooms, to one person, to one guest, or, without any of these, to everybody.
// Whoever is in the chat says it as a guest; somebody signed in may also speak without being there.
type PostMessage struct {
	Kind            MessageKind   `json:"kind"`
	Text            string        `json:"text"`           // 1–1000 characters of text; what the other kinds are
	DurationMS      int           `json:"duration_ms"`    // of a voice message: 1–120000 milliseconds; else 0
	ChatRooms       []ChatRoomID  `json:"chat_rooms"`     // at most 16
	ToUser          UserID        `json:"to_user"`        // to all connections of this person
	ToParticipant   ParticipantID `json:"to_participant"` // to this guest's connection
	Participant     ParticipantID `json:"-"`              // who speaks; 0 for a person who is not in the chat
	Nickname        string        `json:"-"`              // what the guest is called who is not signed in
	UploadURLPrefix string        `json:"-"`              // how the addresses of what was uploaded here begin: "https://live.example/uploads/"
}

// Type implements Command.
func (PostMessage) Type() string { return "message.post" }

// Reads implements Command.
func (c PostMessage) Reads(Actor) []Stream {
	reads := append(streamsOf(c.ChatRooms[:min(len(c.ChatRooms), maxTargets)]), c.said().Stream())
	for _, g := range []ParticipantID{c.Participant, c.ToParticipant} {
		if g != 0 {
			reads = append(reads, guestOf(g))
		}
	}
	if c.ToUser != 0 {
		reads = append(reads, userOf(c.ToUser))
	}
	return reads
}

// said is what the command alone says of what follows.
func (c PostMessage) said() MessagePosted {
	return MessagePosted{Participant: c.Participant, Kind: c.Kind, DurationMS: c.DurationMS, ChatRooms: c.ChatRooms, ToUser: c.ToUser, ToParticipant: c.ToParticipant}
}

func (c PostMessage) decide(see View) ([]Event, error) {
	said := c.said()
	if err := c.sign(see, &said); err != nil {
		return nil, err
	}
	if err := c.direct(see, &said); err != nil {
		return nil, err
	}
	var err error
	if said.Text, err = c.content(); err != nil {
		return nil, err
	}
	return []Event{said}, nil
}

// sign fills in who speaks.
func (c PostMessage) sign(see View, said *MessagePosted) error {
	said.User = see.Actor.User
	if c.Participant == 0 {
		if said.User == 0 {
			return refuse(CodeTokenMissing, "sign in first, or enter the chat")
		}
		return nil
	}
	guest, err := see.participant(c.Participant)
	if err != nil {
		return err
	}
	said.Connection = guest.Connection
	if guest.User != 0 || guest.NameKey == "" {
		return nil
	}
	said.Nickname, err = text("nickname", c.Nickname, 1, MaxNickname)
	return err
}

// direct fills in whom it is said to, who has to be there.
func (c PostMessage) direct(see View, said *MessagePosted) error {
	targets := 0
	for _, given := range []bool{len(c.ChatRooms) > 0, c.ToUser != 0, c.ToParticipant != 0} {
		if given {
			targets++
		}
	}
	switch {
	case targets > 1:
		return refuse(CodeBadRequest, "a message goes to rooms, to a person or to a guest")
	case len(c.ChatRooms) > maxTargets || !distinct(c.ChatRooms):
		return refuse(CodeNumberOutOfRange, "a message goes to %d different rooms at most", maxTargets)
	case c.ToUser != 0 && !see.User(c.ToUser).Active():
		return refuse(CodeUserUnavailable, "user %d does not exist or is disabled", c.ToUser)
	case c.ToParticipant != 0:
		to := see.Participant(c.ToParticipant)
		if !to.Present {
			return refuse(CodeParticipantNotFound, "guest %d is not here", c.ToParticipant)
		}
		said.ToConnection = to.Connection
	}
	for _, room := range c.ChatRooms {
		if err := see.ChatRoom(room).open(); err != nil {
			return err
		}
	}
	return nil
}

// content answers what is said, or why it cannot be.
func (c PostMessage) content() (string, error) {
	if c.Kind != MessageVoice && c.DurationMS != 0 {
		return "", refuse(CodeBadRequest, "only voice messages have a length")
	}
	switch c.Kind {
	case MessageText:
		return text("message", c.Text, 1, maxMessage)
	case MessageSticker:
		if !c.uploaded(pictureEndings[:]) && !stickerName(c.Text) {
			return "", refuse(CodeBadRequest, "a sticker is 1–%d of 0-9a-z_- or the address of a picture uploaded here", maxSticker)
		}
	case MessageVoice:
		if !c.uploaded(soundEndings[:]) {
			return "", refuse(CodeBadRequest, "a voice message is the address of a sound uploaded here")
		}
		if c.DurationMS < 1 || c.DurationMS > maxVoice {
			return "", refuse(CodeNumberOutOfRange, "a voice message has 1 to %d milliseconds", maxVoice)
		}
	default:
		return "", refuse(CodeBadRequest, "a message is text, sticker or voice")
	}
	return c.Text, nil
}

// What an uploaded file ends in. Its name before that is 32 of 0-9a-f.
var (
	pictureEndings = [...]string{"jpg", "png", "gif", "webp"}
	soundEndings   = [...]string{"ogg", "mp3", "m4a", "aac", "webm", "wav", "amr"}
)

const uploadNameLength = 32

// uploaded says whether the text is the address of a file that was uploaded here, of one of some kinds.
func (c PostMessage) uploaded(endings []string) bool {
	file, ours := strings.CutPrefix(c.Text, c.UploadURLPrefix)
	name, ending, _ := strings.Cut(file, ".")
	return ours && c.UploadURLPrefix != "" && len(c.Text) <= maxAddress && readable("address", c.Text) == nil &&
		len(name) == uploadNameLength && hexadecimal(name) && slices.Contains(endings, ending)
}

func stickerName(s string) bool {
	for i := range len(s) {
		if c := s[i]; !('0' <= c && c <= '9' || 'a' <= c && c <= 'z' || c == '_' || c == '-') {
			return false
		}
	}
	return 1 <= len(s) && len(s) <= maxSticker
}

// MessagePosted says what somebody said in the chat.
type MessagePosted struct {
	Participant   ParticipantID `json:"participant"`    // who spoke; 0 for a person who was not in the chat
	Connection    string        `json:"connection"`     // the guest's public id
	User          UserID        `json:"user"`           // who it was; 0 for somebody who was not signed in
	Nickname      string        `json:"nickname"`       // what the guest was called who was not signed in; may be empty
	Kind          MessageKind   `json:"kind"`           // "text", "sticker" or "voice"
	Text          string        `json:"text"`           // as it was typed, without space around it; or a sticker's name; or an address
	DurationMS    int           `json:"duration_ms"`    // of a voice message, in milliseconds
	ChatRooms     []ChatRoomID  `json:"chat_rooms"`     // where it was said
	ToUser        UserID        `json:"to_user"`        // the person it was said to alone
	ToParticipant ParticipantID `json:"to_participant"` // the guest it was said to alone
	ToConnection  string        `json:"to_connection"`  // that guest's public id
}

// Type implements Event.
func (MessagePosted) Type() string { return "message.posted.v1" }

// Stream implements Event: what was said to one person, to one guest, in one room, to everybody.
func (e MessagePosted) Stream() Stream {
	switch {
	case e.ToParticipant != 0:
		return stream("message-participant-", int64(e.ToParticipant))
	case e.ToUser != 0:
		return DirectMessageStream(e.ToUser)
	case len(e.ChatRooms) > 0:
		return Stream("message-chatroom-" + string(e.ChatRooms[0]))
	}
	return "message-public"
}

// DirectMessageStream is the stream of what was said to one person alone.
func DirectMessageStream(to UserID) Stream { return stream("message-user-", int64(to)) }

// Public says whether it was said to everybody.
func (e MessagePosted) Public() bool {
	return e.ToUser == 0 && e.ToParticipant == 0 && len(e.ChatRooms) == 0
}

// EventUser implements UserEvent.
func (e MessagePosted) EventUser() UserID { return e.User }

func (MessagePosted) evolve(Stateless) Stateless { return Stateless{} }

func (e *MessagePosted) personal() (UserID, []*string) {
	return KeyOwner(e.User, e.Participant), []*string{&e.Nickname, &e.Text}
}
