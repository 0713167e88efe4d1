package socketio

import (
	"context"
	"html"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/chat"
	"roomlog/realtime/hub"
	"roomlog/realtime/socketio/protocol"
)

const (
	notOnline   = "你私聊的用户不在线"
	badName     = "名字为1到20个字"
	historySize = 20 // messages that a client is shown at once
)

// What the plain chat says. Its pages write it into their HTML as it is: every text in it is escaped.
type (
	plainMessage struct {
		User      string `json:"user"`
		Username  string `json:"username"` // the same, for a page that reads this
		Content   string `json:"content"`
		CreatedAt string `json:"createAt"`
	}
	plainNews struct {
		User      string `json:"user"`
		Content   string `json:"content"`
		CreatedAt string `json:"createAt"`
	}
)

// isoTime is a time as scripts write it.
func isoTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func plainOf(name, content string, at time.Time) plainMessage {
	name = html.EscapeString(name)
	return plainMessage{name, name, html.EscapeString(content), isoTime(at)}
}

func newsOf(content string, at time.Time) plainNews {
	return plainNews{domain.SystemName, html.EscapeString(content), isoTime(at)}
}

// hearPlain has a socket heard in the plain-message chat. Without guests it is for nobody.
func (v *visitor) hearPlain() {
	v.socket.On("addMessage", func(*protocol.Event) { v.socket.Emit(needLogin) })
	if !v.door.cfg.Guests {
		for _, event := range []string{"message", "join", "leave", "getAllMessages"} {
			v.socket.On(event, func(*protocol.Event) { v.socket.Emit(needLogin) })
		}
		return
	}
	c := v.chat(profilePlain)
	c.member.Subscribe("")
	c.member.StartFrom("", 0)
	c.on("getAllMessages", c.onPlainHistory)
	c.speakPlain()
}

// speakPlain has what both kinds of visitors of the plain chat say heard.
func (c *chatter) speakPlain() {
	c.on("message", c.onMessage)
	c.on("join", c.onJoinRoom)
	c.on("leave", c.onLeaveRoom)
}

// tell says something to this socket alone.
func (c *chatter) tell(content string) {
	c.v.socket.Emit("message", newsOf(content, c.v.door.cfg.Now()))
}

// told tells the socket of a refusal in the manner of the plain chat; our own faults are the caller's.
func (c *chatter) told(err error) error {
	if err == nil {
		return nil
	}
	no, ours := hub.ProblemOf(err)
	if ours {
		return err
	}
	c.tell(no.TextZH)
	return nil
}

// onMessage is given a name first, and then what is said under it.
func (c *chatter) onMessage(ctx context.Context, e *protocol.Event) error {
	said, ok := text(e, 0)
	switch {
	case !ok:
		return c.told(&domain.Refusal{Code: domain.CodeBadRequest, Text: "a message is a text"})
	case c.style == profilePlain && c.name == "":
		return c.takeName(ctx, strings.TrimSpace(said))
	}
	c.speak()
	post := domain.PostMessage{Kind: domain.MessageText, Text: said, ChatRooms: c.rooms()}
	if strings.HasPrefix(said, "@") {
		if err := c.member.AllowQuery(); err != nil {
			return c.told(err)
		}
		to, content, private := c.addressee(said)
		switch {
		case private && to.ID == 0:
			c.tell(notOnline)
			return nil
		case private && to.User.ID != 0:
			post.Text, post.ChatRooms, post.ToUser = content, nil, to.User.ID
		case private:
			post.Text, post.ChatRooms, post.ToParticipant = content, nil, to.ID
		}
	}
	_, err := c.member.Post(ctx, post, "")
	if no := domain.AsRefusal(err); no != nil && (no.Code == domain.CodeParticipantNotFound || no.Code == domain.CodeUserUnavailable) && len(post.ChatRooms) == 0 {
		c.tell(notOnline)
		return nil
	}
	return c.told(err)
}

// speak has a socket hear the plain chat from now on that is there for a room with history.
func (c *chatter) speak() {
	c.mu.Lock()
	before := c.spoke
	c.spoke = true
	c.mu.Unlock()
	if !before && c.style == profileHistory {
		c.member.Subscribe("")
		c.member.StartFrom("", 0)
	}
}

// takeName is the first message of a socket: everybody else is told who came.
func (c *chatter) takeName(ctx context.Context, name string) error {
	if n := utf8.RuneCountInString(name); n < 1 || n > domain.MaxNickname {
		c.tell(badName)
		return nil
	}
	if err := c.member.AllowQuery(); err != nil {
		return c.told(err)
	}
	if _, err := c.member.Enter(ctx, chat.Entry{Profile: domain.ProfilePlain, Nickname: name, Address: c.v.socket.Session().Address()}); err != nil {
		return c.told(err)
	}
	c.name = name
	for _, room := range c.rooms() { // joined before it had a name
		if _, err := c.member.JoinSubscribed(ctx, room); err != nil {
			c.member.Unsubscribe(room)
			c.drop(room)
			return c.told(err)
		}
	}
	return nil
}

// addressee answers to whom alone a message is that begins with @, and what it says then. Names may have spaces: the
// longest of somebody who is there counts.
func (c *chatter) addressee(said string) (to chat.Participant, content string, private bool) {
	first := ""
	for i, r := range said {
		if r != ' ' || i < 2 {
			continue
		}
		if utf8.RuneCountInString(said[1:i]) > 2*domain.MaxNickname {
			break
		}
		rest := strings.TrimSpace(said[i:])
		if rest == "" {
			break
		}
		if !private {
			private, first = true, rest
		}
		if found, ok := c.v.door.cfg.Chat.FindByName(said[1:i]); ok {
			to, first = found, rest
		}
	}
	return to, first, private
}

// onPlainHistory answers the newest messages to everybody, or of a room.
func (c *chatter) onPlainHistory(ctx context.Context, e *protocol.Event) error {
	if err := c.member.AllowQuery(); err != nil {
		return c.told(err)
	}
	var of domain.ChatRoomID
	if ref, ok := text(e, 0); ok {
		room, err := c.v.door.cfg.Chat.Room(ctx, ref)
		if err != nil {
			return c.told(err)
		}
		of = room.ID
	}
	found, err := c.member.History(ctx, of, projections.Window{Limit: historySize})
	if err != nil {
		return c.told(err)
	}
	all := make([]plainMessage, 0, len(found))
	for _, m := range slices.Backward(found) {
		by, _ := c.v.door.cfg.Chat.Author(m)
		all = append(all, plainOf(c.v.door.nameOf(by), m.Text, m.SentAt))
	}
	c.v.socket.Emit("allMessages", all)
	return nil
}

// overhearPlain tells the socket what is said, and who comes.
func (c *chatter) overhearPlain(f *chat.Update) {
	switch e := f.Event.(type) {
	case domain.ParticipantEntered:
		if !c.own(f) {
			c.push(f, "entered", func() []byte {
				return protocol.Payload("/", "message", newsOf(e.Nickname+"加入了聊天室", f.RecordedAt))
			})
		}
	case domain.MessagePosted:
		c.pushPlain(f, e)
	case domain.ChatRoomRemoved:
		c.forget(e.ChatRoom)
	}
}

func (c *chatter) pushPlain(f *chat.Update, e domain.MessagePosted) {
	c.push(f, "plain", func() []byte {
		return protocol.Payload("/", "message", plainOf(c.v.door.nameOf(f.By), e.Text, f.RecordedAt))
	})
}
