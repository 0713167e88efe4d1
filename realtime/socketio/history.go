package socketio

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/chat"
	"roomlog/realtime/hub"
	"roomlog/realtime/socketio/protocol"
)

// What is said in rooms with history. The names are those that clients know.
type (
	resident struct {
		ID        string             `json:"_id"`
		Name      string             `json:"name"`
		Avatar    string             `json:"avatar"`
		Online    bool               `json:"online"`
		Room      *domain.ChatRoomID `json:"room"` // null: in none
		CreatedAt string             `json:"createAt"`
	}
	record struct {
		ID        string            `json:"_id"`
		Content   string            `json:"content"`
		Room      domain.ChatRoomID `json:"room"`
		CreatedAt string            `json:"createAt"`
		User      resident          `json:"user"`
	}
	systemPerson struct {
		Name   string `json:"name"`
		Email  string `json:"email"`
		Avatar string `json:"avatar"`
	}
	movement struct {
		User    systemPerson `json:"user"`
		Content string       `json:"content"`
	}
)

// systemUser tells of who comes and goes.
var systemUser = systemPerson{domain.SystemName, "admin@126.com", "http://www.gravatar.com/avatar/1e6fd8e56879c84999cd481255530592"}

// hearHistory puts somebody signed in into the room of the handshake. Whoever is not has to sign in first.
func (v *visitor) hearHistory() {
	c := v.chat(profileHistory)
	c.signed("addMessage", c.onAddMessage)
	c.signed("getAllMessages", c.onHistory)
	c.signed("message", c.onMessage)
	c.signed("join", c.onJoinRoom)
	c.signed("leave", c.onLeaveRoom)
	ctx, cancel := within()
	defer cancel()
	err := c.signIn(ctx)
	if err == nil {
		return
	}
	if no, ours := hub.ProblemOf(err); ours || no.Code == domain.CodeBusy || no.Code == domain.CodeRateLimited {
		c.fail(ctx, err)
	} else {
		c.Revoke(nil)
	}
}

// signed has an event handled for somebody who is signed in.
func (c *chatter) signed(event string, do func(context.Context, *protocol.Event) error) {
	c.on(event, func(ctx context.Context, e *protocol.Event) error {
		if c.Ended() {
			c.v.socket.Emit(needLogin)
			return nil
		}
		err := do(ctx, e)
		switch no := domain.AsRefusal(err); {
		case no == nil:
		case slices.Contains([]domain.Code{domain.CodeSessionEnded, domain.CodeTokenExpired, domain.CodeUserUnavailable, domain.CodeBanned}, no.Code):
			c.Revoke(no)
			return nil
		}
		return err
	})
}

// signIn enters the chat in the name of the handshake's token, in the handshake's room if there is one.
func (c *chatter) signIn(ctx context.Context) (err error) {
	rooms := c.v.door.cfg.Hub
	if c.caller, err = rooms.Verify(c.v.socket.Query().Get("token")); err != nil {
		return err
	}
	if _, err = rooms.Register(ctx, c.caller.User, c); err != nil {
		return err
	}
	c.v.socket.OnDisconnect(func(string) { rooms.Unregister(c.caller.User, c) })
	a := chat.Entry{Identity: c.caller, Profile: domain.ProfileRooms}
	err = c.enterRoom(ctx, a)
	if no := domain.AsRefusal(err); no != nil && no.Code == domain.CodeChatRoomNotFound {
		c.member.Unsubscribe(c.room.ID)
		c.room = projections.ChatRoom{}
		_, err = c.member.Enter(ctx, a)
	}
	return err
}

// Identity implements hub.Client.
func (c *chatter) Identity() hub.Identity { return c.caller }

// Ended implements hub.Client.
func (c *chatter) Ended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out || c.v.socket.Session().Ended()
}

// DeliverPrivate implements hub.Client: what somebody said to this person alone.
func (c *chatter) DeliverPrivate(d projections.Delta) {
	if e, ok := d.Event.(domain.MessagePosted); ok {
		c.v.socket.Emit("message", plainOf(chat.AuthorOf(d, e).DisplayName(), e.Text, d.RecordedAt))
	}
}

// Revoke implements hub.Client: the socket has to sign in again. It stays, unless it is put out.
func (c *chatter) Revoke(no *domain.Refusal) {
	if no != nil && c.v.door.denyFor(c.v.socket, no) {
		return
	}
	c.mu.Lock()
	before := c.out
	c.out = true
	c.mu.Unlock()
	if !before {
		c.v.socket.Emit(needLogin)
		go c.v.socket.Session().Do(func() {
			if c.caller.User != 0 {
				c.v.door.cfg.Hub.Unregister(c.caller.User, c)
			}
			c.member.Leave(domain.LeaveConnectionLost)
		})
	}
}

// onAddMessage says something in a room, that of the handshake unless another is named. Whose message the payload
// says it is does not matter.
func (c *chatter) onAddMessage(ctx context.Context, e *protocol.Event) error {
	var said struct {
		Content string          `json:"content"`
		Room    json.RawMessage `json:"room"`
	}
	if e.Argument(0, &said) != nil {
		return &domain.Refusal{Code: domain.CodeBadRequest, Text: "a message is an object with content"}
	}
	room, err := c.named(ctx, said.Room)
	if err != nil {
		return err
	}
	_, err = c.member.Post(ctx, domain.PostMessage{Kind: domain.MessageText, Text: said.Content, ChatRooms: []domain.ChatRoomID{room}}, "")
	return err
}

// named answers the room that a client names, by its id, its name, or as an object with one of them; else the one
// of the handshake.
func (c *chatter) named(ctx context.Context, raw json.RawMessage) (domain.ChatRoomID, error) {
	ref := ""
	if json.Unmarshal(raw, &ref) != nil {
		var object struct {
			ID   string `json:"_id"`
			Name string `json:"name"`
		}
		_ = json.Unmarshal(raw, &object)
		if ref = object.ID; ref == "" {
			ref = object.Name
		}
	}
	switch {
	case ref == "" && c.room.ID == "":
		return "", &domain.Refusal{Code: domain.CodeChatRoomNotFound, Text: "name a room"}
	case ref == "" || ref == string(c.room.ID) || ref == c.room.Name:
		return c.room.ID, nil
	}
	if err := c.member.AllowQuery(); err != nil {
		return "", err
	}
	room, err := c.v.door.cfg.Chat.Room(ctx, ref)
	return room.ID, err
}

// onHistory answers the newest messages of a room, oldest first; with {room, before}, those before a message.
func (c *chatter) onHistory(ctx context.Context, e *protocol.Event) error {
	var raw json.RawMessage
	if len(e.Arguments) > 0 {
		raw = e.Arguments[0]
	}
	var page struct {
		Room   json.RawMessage `json:"room"`
		Before string          `json:"before"`
	}
	window := projections.Window{Limit: historySize}
	if json.Unmarshal(raw, &page) == nil && (page.Room != nil || page.Before != "") {
		raw = page.Room
		window.Before, _ = strconv.ParseInt(page.Before, 10, 64)
	}
	all := []record{}
	room, err := c.named(ctx, raw)
	switch no := domain.AsRefusal(err); {
	case no != nil && no.Code == domain.CodeChatRoomNotFound: // nothing was said there
	case err != nil:
		return err
	default:
		found, err := c.member.History(ctx, room, window)
		if err != nil {
			return err
		}
		for _, m := range slices.Backward(found) {
			by, there := c.v.door.cfg.Chat.Author(m)
			all = append(all, c.recordOf(m.Position, m.Text, room, m.SentAt, by, there))
		}
	}
	c.v.socket.Emit("allMessages", all)
	return nil
}

// overhearHistory tells the socket what happens in its rooms.
func (c *chatter) overhearHistory(f *chat.Update) {
	switch e := f.Event.(type) {
	case domain.ChatRoomJoined:
		c.moved(f, e.ChatRoom, "online", "加入聊天室")
	case domain.ChatRoomLeft:
		c.moved(f, e.ChatRoom, "offline", "离开聊天室")
	case domain.MessagePosted:
		c.mu.Lock()
		spoke := c.spoke
		c.mu.Unlock()
		if room := c.heardIn(e); room != "" {
			c.push(f, "record "+string(room), func() []byte {
				return protocol.Payload("/", "messageAdded", c.recordOf(f.Position, e.Text, room, f.RecordedAt, f.By, f.Present))
			})
		}
		if spoke || e.ToParticipant != 0 {
			c.pushPlain(f, e)
		}
	case domain.ChatRoomRemoved:
		c.forget(e.ChatRoom)
	}
}

// moved tells of who comes and goes in the room of the handshake.
func (c *chatter) moved(f *chat.Update, room domain.ChatRoomID, event, verb string) {
	c.mu.Lock()
	home := c.room.ID
	c.mu.Unlock()
	if room != home || c.own(f) {
		return
	}
	c.push(f, event, func() []byte {
		return protocol.Payload("/", event, movement{systemUser, "用户" + c.v.door.nameOf(f.By) + verb})
	})
}

// heardIn answers which of the rooms that something was said in counts for this socket; "" for none.
func (c *chatter) heardIn(e domain.MessagePosted) domain.ChatRoomID {
	own := c.rooms()
	for _, r := range own { // that of the handshake is the first
		if slices.Contains(e.ChatRooms, r) {
			return r
		}
	}
	return ""
}

// nameOf is what somebody is called, or the id by which others may know a socket without a name.
func (d *Door) nameOf(p chat.Participant) string {
	if name := p.Name(); name != "" {
		return name
	}
	return d.aliases.shown(p.Connection)
}

// recordOf is a message: its id is its position, behind which older ones can be asked for.
func (c *chatter) recordOf(position int64, content string, room domain.ChatRoomID, at time.Time, by chat.Participant, there bool) record {
	user := resident{ID: by.Connection, Name: c.v.door.nameOf(by), Online: there, CreatedAt: isoTime(at)}
	if there {
		user.Room = &room
	}
	if by.User.ID != 0 {
		user.ID, user.Avatar = strconv.FormatInt(int64(by.User.ID), 10), by.User.Avatar
		user.CreatedAt = isoTime(by.User.CreatedAt)
	}
	return record{strconv.FormatInt(position, 10), content, room, isoTime(at), user}
}
