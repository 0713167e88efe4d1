package native

import (
	"time"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/chat"
	"roomlog/realtime/hub"
	"roomlog/realtime/ws"
)

// Types for the field data of chat requests.
type (
	chatJoinData struct {
		Room  string `json:"room,omitempty" jsonschema_description:"ID or name of a chat room; absent: the public chat"`
		Since string `json:"since,omitempty" jsonschema_description:"cursor of the newest push or reply that the client has of this room"`
	}
	chatRoomData struct {
		Room string `json:"room,omitempty" jsonschema_description:"ID or name of a chat room; absent: the public chat"`
	}
	chatContent struct {
		Text    string     `json:"text,omitempty" jsonschema_description:"a message has one of text, sticker and voice"`
		Sticker string     `json:"sticker,omitempty" jsonschema_description:"name of a sticker, or URL of an uploaded picture"`
		Voice   *chatVoice `json:"voice,omitempty"`
	}
	chatVoice struct {
		URL string `json:"url" jsonschema_description:"URL of an uploaded sound"`
		MS  int    `json:"ms" jsonschema_description:"duration in milliseconds"`
	}
	chatPostData struct {
		chatRoomData
		chatContent
	}
	chatPrivateData struct {
		User        domain.UserID `json:"user,omitempty" jsonschema_description:"the message goes to all connections of this user; send either user or participant"`
		Participant string        `json:"participant,omitempty" jsonschema_description:"the message goes to this one connection"`
		chatContent
	}
	chatTypingData struct {
		chatRoomData
		Participant string `json:"participant,omitempty" jsonschema_description:"notifies this one connection instead of a room"`
	}
	chatHistoryData struct {
		chatRoomData
		Before int64 `json:"before,omitempty" jsonschema_description:"pos of the oldest message that the client has"`
		Limit  int   `json:"limit,omitempty" jsonschema_description:"default 20, at most 100"`
	}
	profileData struct {
		Nickname *string `json:"nickname,omitempty" jsonschema_description:"empty: the username is shown"`
		Avatar   *string `json:"avatar,omitempty" jsonschema_description:"http or https URL of an image, or path of an upload; may be empty"`
		Age      *int    `json:"age,omitempty" jsonschema_description:"0 to 1,000,000 years"`
	}
	profileReply struct {
		Pos int64 `json:"pos"`
	}
	chatNicknameData struct {
		Nickname string `json:"nickname" jsonschema_description:"empty: the username is shown"`
	}
)

// Types for the field data of chat replies and pushes.
type (
	chatRoomInfo struct {
		ID   domain.ChatRoomID `json:"id"`
		Name string            `json:"name"`
	}
	chatJoinReply struct {
		Participant string            `json:"participant" jsonschema_description:"the public ID of this connection"`
		Epoch       string            `json:"epoch"`
		Pos         int64             `json:"pos" jsonschema_description:"everything after this position is pushed"`
		Cursor      string            `json:"cursor" jsonschema_description:"send it as since of the next chat.join, until a push follows"`
		Room        *chatRoomInfo     `json:"room,omitempty"`
		Resumed     bool              `json:"resumed" jsonschema_description:"true: messages are all since the client's position; false: they are the newest 20"`
		Messages    []chatMessageInfo `json:"messages" jsonschema_description:"oldest first"`
		Online      int               `json:"online" jsonschema_description:"connections in the room"`
	}
	chatWhoReply struct {
		Participants []participantInfo `json:"participants" jsonschema_description:"oldest first, at most 1000"`
	}
	chatHistoryReply struct {
		Messages []chatMessageInfo `json:"messages" jsonschema_description:"newest first"`
		More     bool              `json:"more" jsonschema_description:"there are older ones"`
	}
	participantInfo struct {
		Participant string        `json:"participant,omitempty" jsonschema_description:"public ID of the connection; absent for a user who was not in the chat"`
		User        domain.UserID `json:"user,omitempty" jsonschema_description:"absent for an anonymous participant"`
		Name        string        `json:"name"`
	}
	chatMessageInfo struct {
		Pos   int64               `json:"pos,omitempty" jsonschema_description:"position in the log; only in a reply, because the envelope of a push has it"`
		ID    string              `json:"id"`
		By    participantInfo     `json:"by"`
		Rooms []domain.ChatRoomID `json:"rooms,omitempty" jsonschema_description:"absent: to the public chat, or to you alone"`
		chatContent
		At time.Time `json:"at"`
	}
	chatJoinedInfo struct {
		By     participantInfo `json:"by"`
		Online int             `json:"online" jsonschema_description:"connections in the room"`
	}
	chatLeftInfo struct {
		By     participantInfo   `json:"by"`
		Cause  domain.LeaveCause `json:"cause"`
		Online int               `json:"online" jsonschema_description:"connections in the room"`
	}
	participantPush struct {
		By participantInfo `json:"by"`
	}
)

// pushPrivate is the type of the push of a private message. If the message is to one user, the push belongs to the user
// channel; if it is to one connection, it does not.
const pushPrivate = "chat.private"

func participantOf(p chat.Participant) participantInfo {
	return participantInfo{p.Connection, p.User.ID, p.DisplayName()}
}

// command returns the command that posts the content. The command has no recipient yet.
func (c chatContent) command() (domain.PostMessage, error) {
	kinds := 0
	var m domain.PostMessage
	if c.Text != "" {
		kinds++
		m = domain.PostMessage{Kind: domain.MessageText, Text: c.Text}
	}
	if c.Sticker != "" {
		kinds++
		m = domain.PostMessage{Kind: domain.MessageSticker, Text: c.Sticker}
	}
	if c.Voice != nil {
		kinds++
		m = domain.PostMessage{Kind: domain.MessageVoice, Text: c.Voice.URL, DurationMS: c.Voice.MS}
	}
	if kinds > 1 {
		return m, hub.NewProblem(domain.CodeBadRequest, "send one of text, sticker and voice")
	}
	if kinds == 0 {
		m.Kind = domain.MessageText // an empty text is not refused here, because the log refuses it with a more precise code
	}
	return m, nil
}

func contentOf(kind domain.MessageKind, text string, ms int) chatContent {
	switch kind {
	case domain.MessageSticker:
		return chatContent{Sticker: text}
	case domain.MessageVoice:
		return chatContent{Voice: &chatVoice{text, ms}}
	}
	return chatContent{Text: text}
}

// messageOf returns the data of a message from its delta.
func messageOf(d projections.Delta, by chat.Participant, e domain.MessagePosted) chatMessageInfo {
	return chatMessageInfo{
		ID: d.ID, By: participantOf(by), Rooms: e.ChatRooms, chatContent: contentOf(e.Kind, e.Text, e.DurationMS), At: d.RecordedAt.UTC(),
	}
}

// privateMessage returns the data of a message to one user.
func privateMessage(d projections.Delta, e domain.MessagePosted) chatMessageInfo {
	return messageOf(d, chat.AuthorOf(d, e), e)
}

// storedMessages returns the data of stored messages.
func storedMessages(messages []projections.Message) []chatMessageInfo {
	infos := make([]chatMessageInfo, 0, len(messages))
	for _, m := range messages {
		by := chat.Participant{Connection: m.Connection, User: m.User, Nickname: m.Nickname}
		infos = append(infos, chatMessageInfo{
			Pos: m.Position, ID: m.ID, By: participantOf(by), chatContent: contentOf(m.Kind, m.Text, m.DurationMS), At: m.SentAt.UTC(),
		})
	}
	return infos
}

// chatFrame encodes an update of the chat. It returns nil if clients do not receive the update.
func chatFrame(u *chat.Update) *ws.Frame {
	by := participantOf(u.By)
	push := func(kind string, room domain.ChatRoomID, data any) *ws.Frame {
		return ws.TextFrame(encode(chatPush{kind, room, u.Position, cursorOf(u.Delta), data}))
	}
	switch e := u.Event.(type) {
	case domain.ParticipantEntered:
		return push("chat.joined", "", chatJoinedInfo{By: by})
	case domain.ChatRoomJoined:
		return push("chat.joined", e.ChatRoom, chatJoinedInfo{by, u.Online})
	case domain.ChatRoomLeft:
		return push("chat.left", e.ChatRoom, chatLeftInfo{by, e.Cause, u.Online})
	case domain.NicknameSet:
		return push("chat.named", "", participantPush{by})
	case domain.ChatRoomRemoved:
		return push("chat.removed", e.ChatRoom, noData{})
	case domain.MessagePosted:
		if e.ToParticipant != 0 {
			return ws.TextFrame(encode(chatPush{Type: pushPrivate, Pos: u.Position, Data: messageOf(u.Delta, u.By, e)}))
		}
		return push("chat.message", "", messageOf(u.Delta, u.By, e))
	}
	return nil
}
