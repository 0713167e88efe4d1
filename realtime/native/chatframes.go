package native

import (
	"time"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/chat"
	"roomlog/realtime/hub"
	"roomlog/realtime/ws"
)

// What clients send about the chat.
type (
	chatJoinData struct {
		Room  string     `json:"room,omitempty" jsonschema_description:"its id or its name; none: the chat of everybody"`
		Since *sinceData `json:"since,omitempty" jsonschema_description:"what the client has of this room"`
	}
	chatRoomData struct {
		Room string `json:"room,omitempty" jsonschema_description:"its id or its name; none: the chat of everybody"`
	}
	chatSaid struct {
		Text    string     `json:"text,omitempty" jsonschema_description:"one of text, sticker and voice"`
		Sticker string     `json:"sticker,omitempty" jsonschema_description:"the name of one, or the address of an uploaded picture"`
		Voice   *chatVoice `json:"voice,omitempty"`
	}
	chatVoice struct {
		URL string `json:"url" jsonschema_description:"of an uploaded sound"`
		MS  int    `json:"ms" jsonschema_description:"how long it is, in milliseconds"`
	}
	chatPostData struct {
		chatRoomData
		chatSaid
	}
	chatPrivateData struct {
		User  domain.UserID `json:"user,omitempty" jsonschema_description:"all connections of this person; or"`
		Guest string        `json:"guest,omitempty" jsonschema_description:"this one connection"`
		chatSaid
	}
	chatTypingData struct {
		chatRoomData
		Guest string `json:"guest,omitempty" jsonschema_description:"tells this one connection, instead of a room"`
	}
	chatHistoryData struct {
		chatRoomData
		Before int64 `json:"before,omitempty" jsonschema_description:"pos of the oldest message that the client has"`
		Limit  int   `json:"limit,omitempty" jsonschema_description:"20, and 100 at most"`
	}
	chatNicknameData struct {
		Nickname string `json:"nickname" jsonschema_description:"empty: the username is shown"`
	}
)

// What clients are answered and told.
type (
	chatRoomInfo struct {
		ID   domain.ChatRoomID `json:"id"`
		Name string            `json:"name"`
	}
	chatJoined struct {
		Guest    string        `json:"guest" jsonschema_description:"by which others know this connection"`
		Epoch    string        `json:"epoch"`
		Pos      int64         `json:"pos" jsonschema_description:"everything after it is pushed"`
		Room     *chatRoomInfo `json:"room,omitempty"`
		Resumed  bool          `json:"resumed" jsonschema_description:"messages are all since; else the newest 20"`
		Messages []chatInfo    `json:"messages" jsonschema_description:"oldest first"`
		Online   int           `json:"online" jsonschema_description:"connections in the room"`
	}
	chatPeople struct {
		People []chatPersonInfo `json:"people" jsonschema_description:"oldest first, 1000 at most"`
	}
	chatHistory struct {
		Messages []chatInfo `json:"messages" jsonschema_description:"newest first"`
		More     bool       `json:"more" jsonschema_description:"there are older ones"`
	}
	chatPersonInfo struct {
		Guest string        `json:"guest,omitempty" jsonschema_description:"the connection; none of a person who was not in the chat"`
		User  domain.UserID `json:"user,omitempty" jsonschema_description:"none of somebody who is not signed in"`
		Name  string        `json:"name"`
	}
	chatInfo struct {
		Pos   int64               `json:"pos,omitempty" jsonschema_description:"in an answer; a push has its own"`
		ID    string              `json:"id"`
		By    chatPersonInfo      `json:"by"`
		Rooms []domain.ChatRoomID `json:"rooms,omitempty" jsonschema_description:"none: to everybody, or to you alone"`
		chatSaid
		At time.Time `json:"at"`
	}
	chatComingInfo struct {
		By     chatPersonInfo `json:"by"`
		Online int            `json:"online" jsonschema_description:"connections in the room"`
	}
	chatLeavingInfo struct {
		By     chatPersonInfo    `json:"by"`
		Cause  domain.LeaveCause `json:"cause"`
		Online int               `json:"online" jsonschema_description:"connections in the room"`
	}
	chatNamedInfo struct {
		By chatPersonInfo `json:"by"`
	}
)

// chatPrivate is what somebody is told who alone it was said to: on the private lane, or of one connection.
const chatPrivate = "chat.private"

// chatPush is the envelope of what happens in the chat.
type chatPush struct {
	Type string            `json:"type"`
	Room domain.ChatRoomID `json:"room,omitempty" jsonschema_description:"none: of everybody, or to you alone"`
	Pos  int64             `json:"pos,omitempty" jsonschema_description:"its position in the log; who is typing has none"`
	Data any               `json:"data"`
}

func chatPersonOf(p chat.Participant) chatPersonInfo {
	return chatPersonInfo{p.Connection, p.User.ID, p.DisplayName()}
}

// post is what the command of something said begins with.
func (s chatSaid) post() (domain.PostMessage, error) {
	given := 0
	var c domain.PostMessage
	if s.Text != "" {
		given++
		c = domain.PostMessage{Kind: domain.MessageText, Text: s.Text}
	}
	if s.Sticker != "" {
		given++
		c = domain.PostMessage{Kind: domain.MessageSticker, Text: s.Sticker}
	}
	if s.Voice != nil {
		given++
		c = domain.PostMessage{Kind: domain.MessageVoice, Text: s.Voice.URL, DurationMS: s.Voice.MS}
	}
	if given > 1 {
		return c, hub.NewProblem(domain.CodeBadRequest, "say one of text, sticker and voice")
	}
	if given == 0 {
		c.Kind = domain.MessageText // which is refused with its own code
	}
	return c, nil
}

func saidOf(kind domain.MessageKind, text string, ms int) chatSaid {
	switch kind {
	case domain.MessageSticker:
		return chatSaid{Sticker: text}
	case domain.MessageVoice:
		return chatSaid{Voice: &chatVoice{text, ms}}
	}
	return chatSaid{Text: text}
}

func chatInfoOf(d projections.Delta, by chat.Participant, e domain.MessagePosted) chatInfo {
	return chatInfo{ID: d.ID, By: chatPersonOf(by), Rooms: e.ChatRooms, chatSaid: saidOf(e.Kind, e.Text, e.DurationMS), At: d.RecordedAt.UTC()}
}

// chatFrame is a fact of the chat in the native dialect.
func chatFrame(f *chat.Update) *ws.Frame {
	by := chatPersonOf(f.By)
	switch e := f.Event.(type) {
	case domain.ParticipantEntered:
		return chatText("chat.joined", "", f, chatComingInfo{By: by})
	case domain.ChatRoomJoined:
		return chatText("chat.joined", e.ChatRoom, f, chatComingInfo{by, f.Online})
	case domain.ChatRoomLeft:
		return chatText("chat.left", e.ChatRoom, f, chatLeavingInfo{by, e.Cause, f.Online})
	case domain.NicknameSet:
		return chatText("chat.named", "", f, chatNamedInfo{by})
	case domain.ChatRoomRemoved:
		return chatText("chat.removed", e.ChatRoom, f, noData{})
	case domain.MessagePosted:
		if e.ToParticipant != 0 {
			return chatText(chatPrivate, "", f, chatInfoOf(f.Delta, f.By, e))
		}
		return chatText("chat.message", "", f, chatInfoOf(f.Delta, f.By, e))
	}
	return nil
}

func chatText(kind string, room domain.ChatRoomID, f *chat.Update, data any) *ws.Frame {
	return ws.TextFrame(encode(chatPush{kind, room, f.Position, data}))
}

func chatInfos(messages []projections.Message) []chatInfo {
	infos := make([]chatInfo, 0, len(messages))
	for _, m := range messages {
		by := chat.Participant{Connection: m.Connection, User: m.User, Nickname: m.Nickname}
		infos = append(infos, chatInfo{Pos: m.Position, ID: m.ID, By: chatPersonOf(by), chatSaid: saidOf(m.Kind, m.Text, m.DurationMS), At: m.SentAt.UTC()})
	}
	return infos
}
