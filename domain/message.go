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
	maxTargets = MaxGuestRooms
)

// PostMessage asks to say something: in rooms, to one person, to one guest, or, without any of these, to everybody.
// Whoever is in the chat says it as a guest; somebody signed in may also speak without being there.
type PostMessage struct {
	Kind     MessageKind `json:"kind"`
	Text     string      `json:"text"`     // 1–1000 characters of text; what the other kinds are
	MS       int         `json:"ms"`       // of a voice message: 1–120000 milliseconds; else 0
	Rooms    []RoomID    `json:"rooms"`    // at most 16
	To       UserID      `json:"to"`       // to all connections of this person
	ToGuest  GuestID     `json:"to_guest"` // to this guest's connection
	Guest    GuestID     `json:"-"`        // who speaks; 0 for a person who is not in the chat
	Nickname string      `json:"-"`        // what the guest is called who is not signed in
	Uploads  string      `json:"-"`        // how the addresses of what was uploaded here begin: "https://live.example/uploads/"
}

// Type implements Command.
func (PostMessage) Type() string { return "message.post" }

// Reads implements Command.
func (c PostMessage) Reads(Actor) []Stream {
	reads := append(streamsOf(c.Rooms[:min(len(c.Rooms), maxTargets)]), c.said().Stream())
	for _, g := range []GuestID{c.Guest, c.ToGuest} {
		if g != 0 {
			reads = append(reads, guestOf(g))
		}
	}
	if c.To != 0 {
		reads = append(reads, userOf(c.To))
	}
	return reads
}

// said is what the command alone says of what follows.
func (c PostMessage) said() MessagePosted {
	return MessagePosted{Guest: c.Guest, Kind: c.Kind, MS: c.MS, Rooms: c.Rooms, To: c.To, ToGuest: c.ToGuest}
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
	said.User = see.By.User
	if c.Guest == 0 {
		if said.User == 0 {
			return refuse(CodeTokenMissing, "sign in first, or enter the chat")
		}
		return nil
	}
	guest, err := see.guest(c.Guest)
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
	for _, given := range []bool{len(c.Rooms) > 0, c.To != 0, c.ToGuest != 0} {
		if given {
			targets++
		}
	}
	switch {
	case targets > 1:
		return refuse(CodeBadRequest, "a message goes to rooms, to a person or to a guest")
	case len(c.Rooms) > maxTargets || !distinct(c.Rooms):
		return refuse(CodeNumber, "a message goes to %d different rooms at most", maxTargets)
	case c.To != 0 && !see.User(c.To).Active():
		return refuse(CodeUserUnavailable, "user %d does not exist or is disabled", c.To)
	case c.ToGuest != 0:
		to := see.Guest(c.ToGuest)
		if !to.Here {
			return refuse(CodeGuestGone, "guest %d is not here", c.ToGuest)
		}
		said.ToConnection = to.Connection
	}
	for _, room := range c.Rooms {
		if err := see.Room(room).open(); err != nil {
			return err
		}
	}
	return nil
}

// content answers what is said, or why it cannot be.
func (c PostMessage) content() (string, error) {
	if c.Kind != MessageVoice && c.MS != 0 {
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
		if c.MS < 1 || c.MS > maxVoice {
			return "", refuse(CodeNumber, "a voice message has 1 to %d milliseconds", maxVoice)
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
	file, ours := strings.CutPrefix(c.Text, c.Uploads)
	name, ending, _ := strings.Cut(file, ".")
	return ours && c.Uploads != "" && len(c.Text) <= maxAddress && readable("address", c.Text) == nil &&
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
	Guest        GuestID     `json:"guest"`         // who spoke; 0 for a person who was not in the chat
	Connection   string      `json:"connection"`    // the guest's public id
	User         UserID      `json:"user"`          // who it was; 0 for somebody who was not signed in
	Nickname     string      `json:"nickname"`      // what the guest was called who was not signed in; may be empty
	Kind         MessageKind `json:"kind"`          // "text", "sticker" or "voice"
	Text         string      `json:"text"`          // as it was typed, without space around it; or a sticker's name; or an address
	MS           int         `json:"ms"`            // of a voice message, in milliseconds
	Rooms        []RoomID    `json:"rooms"`         // where it was said
	To           UserID      `json:"to"`            // the person it was said to alone
	ToGuest      GuestID     `json:"to_guest"`      // the guest it was said to alone
	ToConnection string      `json:"to_connection"` // that guest's public id
}

// Type implements Event.
func (MessagePosted) Type() string { return "message.posted.v1" }

// Stream implements Event: what was said to one person, to one guest, in one room, to everybody.
func (e MessagePosted) Stream() Stream {
	switch {
	case e.ToGuest != 0:
		return stream("message-guest-", int64(e.ToGuest))
	case e.To != 0:
		return MessageStream(e.To)
	case len(e.Rooms) > 0:
		return Stream("message-room-" + string(e.Rooms[0]))
	}
	return "message-public"
}

// MessageStream is the stream of what was said to one person alone.
func MessageStream(to UserID) Stream { return stream("message-user-", int64(to)) }

// Public says whether it was said to everybody.
func (e MessagePosted) Public() bool { return e.To == 0 && e.ToGuest == 0 && len(e.Rooms) == 0 }

// ByUser implements UserEvent.
func (e MessagePosted) ByUser() UserID { return e.User }

func (MessagePosted) evolve(Stateless) Stateless { return Stateless{} }

func (e *MessagePosted) personal() (UserID, []*string) {
	return TextsOf(e.User, e.Guest), []*string{&e.Nickname, &e.Text}
}
