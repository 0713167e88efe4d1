package domain

import (
	"slices"
	"strings"
)

// MessageKind says what a message contains: a text, a sticker or a sound.
type MessageKind string

// The kinds of messages.
const (
	MessageText    MessageKind = "text"    // the field text contains the message
	MessageSticker MessageKind = "sticker" // the field text contains the name of a sticker that the client knows, or the URL of an uploaded image
	MessageVoice   MessageKind = "voice"   // the field text contains the URL of an uploaded sound; duration_ms contains its length
)

// Bounds of messages.
const (
	maxMessage     = 1000    // maximum length in characters
	maxSticker     = 32      // maximum length of a sticker's name in characters
	maxVoiceMS     = 120_000 // maximum length of a sound in milliseconds
	maxTargetRooms = MaxJoinedChatRooms
)

// PostMessage posts a message to chat rooms, to one user or to one participant. Without a recipient, all participants
// of the chat receive it. A signed-in user may post without being a participant.
type PostMessage struct {
	Kind            MessageKind   `json:"kind"`           // the kind of the message
	Text            string        `json:"text"`           // the message of 1–1000 characters, in which line breaks and tabs are allowed; or the name or URL that the kind requires
	DurationMS      int           `json:"duration_ms"`    // length of a voice message: 1–120,000 milliseconds; 0 for other kinds
	ChatRooms       []ChatRoomID  `json:"chat_rooms"`     // the chat rooms that receive the message: at most 16
	ToUser          UserID        `json:"to_user"`        // the user whose connections all receive the message; 0 if it is not for one user
	ToParticipant   ParticipantID `json:"to_participant"` // the participant who receives the message; 0 if it is not for one participant
	Participant     ParticipantID `json:"-"`              // the author; 0 for a user who is not a participant
	Nickname        string        `json:"-"`              // nickname of an author who is not signed in
	UploadURLPrefix string        `json:"-"`              // beginning that the URL of an upload must have: "https://live.example/uploads/"
}

func (PostMessage) Type() string { return "message.post" }

func (c PostMessage) Reads(Actor) []Stream {
	streams := append(chatRoomStreams(c.ChatRooms[:min(len(c.ChatRooms), maxTargetRooms)]), c.message().Stream())
	for _, id := range []ParticipantID{c.Participant, c.ToParticipant} {
		if id != 0 {
			streams = append(streams, participantStream(id))
		}
	}
	if c.ToUser != 0 {
		streams = append(streams, userStream(c.ToUser))
	}
	return streams
}

// message returns the event, filled with the fields that follow from the command alone.
func (c PostMessage) message() MessagePosted {
	return MessagePosted{Participant: c.Participant, Kind: c.Kind, DurationMS: c.DurationMS,
		ChatRooms: c.ChatRooms, ToUser: c.ToUser, ToParticipant: c.ToParticipant}
}

func (c PostMessage) decide(view View) ([]Event, error) {
	posted := c.message()
	if err := c.setAuthor(view, &posted); err != nil {
		return nil, err
	}
	if err := c.setRecipient(view, &posted); err != nil {
		return nil, err
	}
	var err error
	if posted.Text, err = c.checkContent(); err != nil {
		return nil, err
	}
	return []Event{posted}, nil
}

func (c PostMessage) setAuthor(view View, posted *MessagePosted) error {
	posted.User = view.Actor.User
	if c.Participant == 0 {
		if posted.User == 0 {
			return refuse(CodeTokenMissing, "sign in or enter the chat first")
		}
		return nil
	}
	participant, err := view.ownParticipant(c.Participant)
	if err != nil {
		return err
	}
	posted.Connection = participant.Connection
	if participant.User != 0 || participant.NameKey == "" {
		return nil
	}
	posted.Nickname, err = text("nickname", c.Nickname, 1, MaxNickname)
	return err
}

// setRecipient sets the recipients of posted. It refuses recipients that do not exist.
func (c PostMessage) setRecipient(view View, posted *MessagePosted) error {
	kinds := 0
	for _, given := range []bool{len(c.ChatRooms) > 0, c.ToUser != 0, c.ToParticipant != 0} {
		if given {
			kinds++
		}
	}
	switch {
	case kinds > 1:
		return refuse(CodeBadRequest, "a message goes to chat rooms, to a user or to a participant")
	case len(c.ChatRooms) > maxTargetRooms || !distinct(c.ChatRooms):
		return refuse(CodeNumberOutOfRange, "a message must go to at most %d different chat rooms", maxTargetRooms)
	case c.ToUser != 0 && !view.User(c.ToUser).Active():
		return refuse(CodeUserUnavailable, "user %d does not exist or is disabled", c.ToUser)
	case c.ToParticipant != 0:
		to := view.Participant(c.ToParticipant)
		if !to.Present {
			return refuse(CodeParticipantNotFound, "participant %d is not in the chat", c.ToParticipant)
		}
		posted.ToConnection = to.Connection
	}
	for _, room := range c.ChatRooms {
		if _, err := view.openChatRoom(room); err != nil {
			return err
		}
	}
	return nil
}

// checkContent returns the text of the message, or a *Refusal for invalid content.
func (c PostMessage) checkContent() (string, error) {
	if c.Kind != MessageVoice && c.DurationMS != 0 {
		return "", refuse(CodeBadRequest, "only a voice message has a duration")
	}
	switch c.Kind {
	case MessageText:
		return multilineText("message", c.Text, 1, maxMessage)
	case MessageSticker:
		if !c.isUpload(imageExtensions[:]) && !validSticker(c.Text) {
			return "", refuse(CodeBadRequest, "a sticker must be 1–%d of 0-9a-z_- or the URL of an uploaded image", maxSticker)
		}
	case MessageVoice:
		if !c.isUpload(soundExtensions[:]) {
			return "", refuse(CodeBadRequest, "a voice message must be the URL of an uploaded sound")
		}
		if c.DurationMS < 1 || c.DurationMS > maxVoiceMS {
			return "", refuse(CodeNumberOutOfRange, "the duration of a voice message must be from 1 to %d milliseconds", maxVoiceMS)
		}
	default:
		return "", refuse(CodeBadRequest, "kind must be text, sticker or voice")
	}
	return c.Text, nil
}

// The extensions of uploaded files. The part of the file name before the extension is 32 characters of 0-9a-f.
var (
	imageExtensions = [...]string{"jpg", "png", "gif", "webp"}
	soundExtensions = [...]string{"ogg", "mp3", "m4a", "aac", "webm", "wav", "amr"}
)

const uploadNameLength = 32

// isUpload reports whether Text is the URL of an uploaded file with one of the extensions.
func (c PostMessage) isUpload(extensions []string) bool {
	file, ours := strings.CutPrefix(c.Text, c.UploadURLPrefix)
	name, extension, _ := strings.Cut(file, ".")
	return ours && c.UploadURLPrefix != "" && len(c.Text) <= maxURL && checkReadable("text", c.Text) == nil &&
		len(name) == uploadNameLength && hexadecimal(name) && slices.Contains(extensions, extension)
}

func validSticker(s string) bool {
	for i := range len(s) {
		if c := s[i]; !('0' <= c && c <= '9' || 'a' <= c && c <= 'z' || c == '_' || c == '-') {
			return false
		}
	}
	return 1 <= len(s) && len(s) <= maxSticker
}

// MessagePosted records a message in the chat.
type MessagePosted struct {
	Participant   ParticipantID `json:"participant"`    // the author; 0 for a user who is not a participant
	Connection    string        `json:"connection"`     // public id of the author's connection
	User          UserID        `json:"user"`           // the account of the author; 0 if the author is not signed in
	Nickname      string        `json:"nickname"`       // nickname of an author who is not signed in; may be empty
	Kind          MessageKind   `json:"kind"`           // the kind of the message
	Text          string        `json:"text"`           // the message as typed, without surrounding space, with LF for every line break; or the name of a sticker; or a URL
	DurationMS    int           `json:"duration_ms"`    // length of a voice message in milliseconds
	ChatRooms     []ChatRoomID  `json:"chat_rooms"`     // the chat rooms that receive the message
	ToUser        UserID        `json:"to_user"`        // the recipient if the message is for one user; otherwise 0
	ToParticipant ParticipantID `json:"to_participant"` // the recipient if the message is for one participant; otherwise 0
	ToConnection  string        `json:"to_connection"`  // public id of the connection of the participant to_participant
}

func (MessagePosted) Type() string { return "message.posted.v1" }

// Stream returns the stream of the recipient: the participant, the user, the first chat room, or the public chat.
func (e MessagePosted) Stream() Stream {
	switch {
	case e.ToParticipant != 0:
		return numberedStream("message-participant-", int64(e.ToParticipant))
	case e.ToUser != 0:
		return DirectMessageStream(e.ToUser)
	case len(e.ChatRooms) > 0:
		return Stream("message-chatroom-" + string(e.ChatRooms[0]))
	}
	return "message-public"
}

// Public reports whether the message is for all participants of the chat.
func (e MessagePosted) Public() bool {
	return e.ToUser == 0 && e.ToParticipant == 0 && len(e.ChatRooms) == 0
}

func (e MessagePosted) EventUser() UserID        { return e.User }
func (MessagePosted) evolve(Stateless) Stateless { return Stateless{} }
func (e *MessagePosted) personal() (UserID, []*string) {
	return KeyOwner(e.User, e.Participant), []*string{&e.Nickname, &e.Text}
}

// ExchangeMessage posts a message to the connections of one namespace, or to one connection whose client is not in the
// chat. No table contains the message.
type ExchangeMessage struct {
	Kind            MessageKind   `json:"kind"`          // the kind of the message
	Text            string        `json:"text"`          // the message of 1–1000 characters, in which line breaks and tabs are allowed; or the name or URL that the kind requires
	DurationMS      int           `json:"duration_ms"`   // length of a voice message: 1–120,000 milliseconds; 0 for other kinds
	Namespace       string        `json:"namespace"`     // the namespace whose connections all receive the message: 1–64 bytes; "" if it is for one connection
	ToConnection    string        `json:"to_connection"` // public id of the connection that receives the message: 1–64 bytes; "" if it is for a namespace
	Participant     ParticipantID `json:"-"`             // the author
	Nickname        string        `json:"-"`             // nickname of an author who is not signed in
	UploadURLPrefix string        `json:"-"`             // beginning that the URL of an upload must have: "https://live.example/uploads/"
}

func (ExchangeMessage) Type() string { return "message.exchange" }

func (c ExchangeMessage) Reads(Actor) []Stream {
	return []Stream{MessageExchanged{}.Stream(), participantStream(c.Participant)}
}

func (c ExchangeMessage) serverTexts() []string { return []string{c.Namespace, c.ToConnection} }

func (c ExchangeMessage) decide(view View) ([]Event, error) {
	if (c.Namespace == "") == (c.ToConnection == "") || len(c.Namespace+c.ToConnection) > maxConnectionID {
		return nil, refuse(CodeBadRequest, "to_connection must be a connection, or namespace a namespace, of 1 to %d bytes", maxConnectionID)
	}
	if c.Participant == 0 {
		return nil, refuse(CodeParticipantNotFound, "enter the chat first")
	}
	message := PostMessage{Kind: c.Kind, Text: c.Text, DurationMS: c.DurationMS, Participant: c.Participant, Nickname: c.Nickname, UploadURLPrefix: c.UploadURLPrefix}
	posted := message.message()
	if err := message.setAuthor(view, &posted); err != nil {
		return nil, err
	}
	text, err := message.checkContent()
	if err != nil {
		return nil, err
	}
	return []Event{MessageExchanged{posted.Participant, posted.Connection, posted.User, posted.Nickname, c.Kind, text, c.DurationMS, c.Namespace, c.ToConnection}}, nil
}

// MessageExchanged records a message to the connections of one namespace, or to one connection whose client was not in
// the chat.
type MessageExchanged struct {
	Participant  ParticipantID `json:"participant"`   // the author
	Connection   string        `json:"connection"`    // public id of the author's connection
	User         UserID        `json:"user"`          // the account of the author; 0 if the author is not signed in
	Nickname     string        `json:"nickname"`      // nickname of an author who is not signed in; may be empty
	Kind         MessageKind   `json:"kind"`          // the kind of the message
	Text         string        `json:"text"`          // the message as typed, without surrounding space, with LF for every line break; or the name of a sticker; or a URL
	DurationMS   int           `json:"duration_ms"`   // length of a voice message in milliseconds
	Namespace    string        `json:"namespace"`     // the namespace whose connections receive the message; "" if it is for one connection
	ToConnection string        `json:"to_connection"` // public id of the recipient's connection; "" if the message is for a namespace
}

func (MessageExchanged) Type() string { return "message.exchanged.v1" }

// Stream returns one stream for all these messages: no decision reads it.
func (MessageExchanged) Stream() Stream { return "message-exchanged" }

func (e MessageExchanged) EventUser() UserID        { return e.User }
func (MessageExchanged) evolve(Stateless) Stateless { return Stateless{} }
func (e *MessageExchanged) personal() (UserID, []*string) {
	return KeyOwner(e.User, e.Participant), []*string{&e.Nickname, &e.Text}
}
