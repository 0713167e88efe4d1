package socketio

import (
	"context"
	"html"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/chat"
	"roomlog/realtime/hub"
	"roomlog/realtime/socketio/protocol"
)

// The texts of the profile plain.
const (
	textNotOnline = "你私聊的用户不在线"         // the recipient is not online
	textAmbiguous = "有多个用户叫这个名字,消息没有发送" // several users have this name, so the message was not sent
	textBadName   = "名字为1到20个字"         // a name has 1 to 20 characters
)

// formatTime formats a time like the JavaScript method toISOString.
func formatTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func plainMessageOf(name, content string, at time.Time) plainMessageDTO {
	name = html.EscapeString(name)
	return plainMessageDTO{name, name, html.EscapeString(content), formatTime(at)}
}

func plainNewsOf(content string, at time.Time) plainMessageDTO {
	return plainMessageOf(domain.SystemName, content, at)
}

// openPlain subscribes a socket to the public chat.
func (c *chatClient) openPlain() {
	c.deliver = c.deliverPlain
	c.chat.Subscribe("")
	c.chat.StartFrom("", 0)
}

// sendNews sends a text of the system to this socket only.
func (c *chatClient) sendNews(content string) {
	c.socket.Emit("message", plainNewsOf(content, c.cfg.Hub.Now()))
}

// plainRefusals wraps a handler so that refusals are sent as messages of the profile plain.
func plainRefusals(handle chatHandler) chatHandler {
	return func(c *chatClient, ctx context.Context, e *protocol.Event) error {
		err := handle(c, ctx, e)
		if err == nil {
			return nil
		}
		problem, internal := hub.ProblemOf(err)
		if internal {
			return err
		}
		c.sendNews(problem.TextZH)
		return nil
	}
}

// handlePlainMessage uses the first message of a socket as its nickname, and posts every later one. A message that
// begins with "@" and a name is private.
func (c *chatClient) handlePlainMessage(ctx context.Context, e *protocol.Event) error {
	text, ok := textArgument(e, 0)
	switch {
	case !ok:
		return badRequest("a message must be a string")
	case c.profile == profilePlain && c.name == "":
		return c.enterPlain(ctx, strings.TrimSpace(text))
	}
	c.subscribePlain()
	post := domain.PostMessage{Kind: domain.MessageText, Text: text, ChatRooms: c.rooms()}
	if strings.HasPrefix(text, "@") {
		if err := c.chat.AllowQuery(); err != nil {
			return err
		}
		to, content, people := c.addressee(text)
		private := content != ""
		switch {
		case people > 1:
			c.sendNews(textAmbiguous)
			return nil
		case private && people == 0:
			c.sendNews(textNotOnline)
			return nil
		case private && to.User.ID != 0:
			post.Text, post.ChatRooms, post.ToUser = content, nil, to.User.ID
		case private:
			post.Text, post.ChatRooms, post.ToParticipant = content, nil, to.ID
		}
	}
	_, err := c.chat.Post(ctx, post, "")
	if len(post.ChatRooms) == 0 && isNotOnline(err) {
		c.sendNews(textNotOnline)
		return nil
	}
	return err
}

// isNotOnline reports whether a message was refused because its recipient has left.
func isNotOnline(err error) bool {
	refusal := domain.AsRefusal(err)
	return refusal != nil && (refusal.Code == domain.CodeParticipantNotFound || refusal.Code == domain.CodeUserUnavailable)
}

// subscribePlain subscribes a socket with profileRooms to the public chat when it posts there for the first time.
func (c *chatClient) subscribePlain() {
	c.mu.Lock()
	before := c.posted
	c.posted = true
	c.mu.Unlock()
	if !before && c.profile == profileRooms {
		c.chat.Subscribe("")
		c.chat.StartFrom("", 0)
	}
}

// enterPlain enters the chat with a nickname.
func (c *chatClient) enterPlain(ctx context.Context, name string) error {
	if n := utf8.RuneCountInString(name); n < 1 || n > domain.MaxNickname {
		c.sendNews(textBadName)
		return nil
	}
	if err := c.chat.AllowQuery(); err != nil {
		return err
	}
	var err error
	if c.chat.ParticipantID() != 0 { // the socket has entered with the event exchange
		err = c.chat.SetNickname(ctx, name)
	} else {
		_, err = c.chat.Enter(ctx, chat.Entry{Profile: domain.ProfilePlain, Nickname: name})
	}
	if err != nil {
		return err
	}
	c.name = name
	for _, room := range c.rooms() { // the chat rooms that the socket joined before it had a nickname
		if _, err := c.chat.JoinSubscribed(ctx, room); err != nil {
			c.chat.Unsubscribe(room)
			c.removeRoom(room)
			return err
		}
	}
	return nil
}

// addressee splits a message that begins with "@" into the recipient and the content. Names may contain spaces, so the
// longest name of a present participant is used. people is the number of people with this name. content is "" if no
// text follows the name.
func (c *chatClient) addressee(text string) (to chat.Participant, content string, people int) {
	for i, r := range text {
		if !unicode.IsSpace(r) || i < 2 {
			continue
		}
		if utf8.RuneCountInString(text[1:i]) > 2*domain.MaxNickname {
			break
		}
		rest := strings.TrimSpace(text[i:])
		if rest == "" {
			break
		}
		if content == "" {
			content = rest
		}
		if found, n := c.cfg.Chat.FindByName(text[1:i]); n > 0 {
			to, content, people = found, rest, n
		}
	}
	return to, content, people
}

// handlePlainHistory sends the newest public messages, or the newest messages of a chat room.
func (c *chatClient) handlePlainHistory(ctx context.Context, e *protocol.Event) error {
	var id domain.ChatRoomID
	if ref, ok := textArgument(e, 0); ok {
		room, err := c.cfg.Chat.Room(ctx, ref)
		if err != nil {
			return err
		}
		id = room.ID
	}
	found, err := c.chat.History(ctx, id, projections.Window{Limit: historySize})
	if err != nil {
		return err
	}
	all := make([]plainMessageDTO, 0, len(found))
	for _, m := range slices.Backward(found) {
		by, _ := c.cfg.Chat.Author(m)
		all = append(all, plainMessageOf(c.nameOf(by), m.Text, m.SentAt))
	}
	c.socket.Emit("allMessages", all)
	return nil
}

// deliverPlain sends messages and new participants.
func (c *chatClient) deliverPlain(u *chat.Update) {
	switch e := u.Event.(type) {
	case domain.ParticipantEntered:
		if !c.own(u) {
			c.push(u, "entered", func() []byte {
				return c.socket.Payload("message", plainNewsOf(e.Nickname+"加入了聊天室", u.RecordedAt))
			})
		}
	case domain.MessagePosted:
		c.mu.Lock()
		direct := c.direct
		c.mu.Unlock()
		if direct && e.ToParticipant != 0 {
			c.deliverExchange(u)
		} else {
			c.pushPlain(u, e)
		}
	case domain.ChatRoomRemoved:
		c.roomRemoved(e.ChatRoom)
	}
}

func (c *chatClient) pushPlain(u *chat.Update, e domain.MessagePosted) {
	c.push(u, "plain", func() []byte {
		return c.socket.Payload("message", plainMessageOf(c.nameOf(u.By), e.Text, u.RecordedAt))
	})
}
