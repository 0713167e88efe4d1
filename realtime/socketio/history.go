package socketio

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"roomlog/domain"
	"roomlog/internal/strictjson"
	"roomlog/projections"
	"roomlog/realtime/chat"
	"roomlog/realtime/hub"
	"roomlog/realtime/socketio/protocol"
)

// systemUser is the author of the messages about joins and leaves.
var systemUser = systemUserDTO{domain.SystemName, "admin@126.com", "http://www.gravatar.com/avatar/1e6fd8e56879c84999cd481255530592"}

// openHistory makes the user of the token in the handshake enter the chat room of the handshake. A socket that is not
// signed in receives needLogin.
func (c *chatClient) openHistory() {
	c.deliver = c.deliverHistory
	ctx, cancel := requestContext(c.socket)
	defer cancel()
	err := c.signIn(ctx)
	if err == nil {
		return
	}
	if problem, internal := hub.ProblemOf(err); internal || problem.Code == domain.CodeBusy || problem.Code == domain.CodeRateLimited {
		c.fail(ctx, err)
	} else {
		c.Revoke(nil)
	}
}

// signedIn wraps a handler of an event that only sockets with a current sign-in session may send. Other sockets receive
// needLogin. If the handler is refused because the sign-in session has ended, or the user is unavailable or banned, the
// client is revoked.
func signedIn(handle chatHandler) chatHandler {
	return func(c *chatClient, ctx context.Context, e *protocol.Event) error {
		if c.Ended() {
			c.socket.Emit(eventNeedLogin)
			return nil
		}
		err := handle(c, ctx, e)
		if refusal := domain.AsRefusal(err); refusal != nil {
			switch refusal.Code {
			case domain.CodeSessionEnded, domain.CodeTokenExpired, domain.CodeUserUnavailable, domain.CodeBanned:
				c.Revoke(refusal)
				return nil
			}
		}
		return err
	}
}

// signIn enters the chat as the user of the token in the handshake, and joins the chat room of the handshake if it
// exists.
func (c *chatClient) signIn(ctx context.Context) (err error) {
	if c.by, err = c.cfg.Hub.Verify(c.socket.Query().Get("token")); err != nil {
		return err
	}
	if _, err = c.cfg.Hub.Register(ctx, c.by.User, c); err != nil {
		return err
	}
	c.socket.OnDisconnect(func(string) { c.cfg.Hub.Unregister(c.by.User, c) })
	entry := chat.Entry{Identity: c.by, Profile: domain.ProfileRooms}
	err = c.enterRoom(ctx, entry)
	if refusal := domain.AsRefusal(err); refusal != nil && refusal.Code == domain.CodeChatRoomNotFound {
		c.chat.Unsubscribe(c.room.ID)
		c.room = projections.ChatRoom{}
		_, err = c.chat.Enter(ctx, entry)
	}
	return err
}

// Identity returns the user and the sign-in session in the token of the handshake.
func (c *chatClient) Identity() hub.Identity { return c.by }

// ConnectionKey returns the key of the client's connection.
func (c *chatClient) ConnectionKey() string { return c.socket.ID() }

// Ended reports whether the client must sign in again or its Engine.IO session has ended.
func (c *chatClient) Ended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.revoked || c.socket.Session().Ended()
}

// Kick disconnects the socket.
func (c *chatClient) Kick(reason string) { c.kick(c.socket, reason) }

// BanFrom does nothing: the client is in no live.
func (c *chatClient) BanFrom(domain.LiveID, string) {}

// DeliverPrivate sends a private message to the user. Until the sign-in session has been checked, the message waits. If
// too many wait, the client must reconnect.
func (c *chatClient) DeliverPrivate(d projections.Delta) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.unchecked:
		c.sendPrivate(d)
	case len(c.waiting) < maxWaitingDeltas:
		c.waiting = append(c.waiting, d)
	default:
		c.Reset()
	}
}

func (c *chatClient) sendPrivate(d projections.Delta) {
	if e, ok := d.Event.(domain.MessagePosted); ok {
		c.socket.Emit("message", plainMessageOf(chat.AuthorOf(d, e).DisplayName(), e.Text, d.RecordedAt))
	}
}

// Revoke removes the user from the chat and sends needLogin. The socket stays connected, unless the user is banned or
// unavailable.
func (c *chatClient) Revoke(refusal *domain.Refusal) {
	if refusal != nil && c.disconnectUnavailable(c.socket, refusal) {
		return
	}
	c.mu.Lock()
	before := c.revoked
	c.revoked = true
	c.mu.Unlock()
	if before {
		return
	}
	c.socket.Emit(eventNeedLogin)
	c.socket.Session().Later(func() {
		if c.by.User != 0 {
			c.cfg.Hub.Unregister(c.by.User, c)
		}
		c.chat.Leave(domain.LeaveConnectionLost)
	})
}

// handleAddMessage posts a message to a chat room, by default to that of the handshake. It ignores the author in the
// argument.
func (c *chatClient) handleAddMessage(ctx context.Context, e *protocol.Event) error {
	var request struct {
		Content string          `json:"content"`
		Room    json.RawMessage `json:"room"`
	}
	if e.Argument(0, &request) != nil {
		return badRequest("a message must be an object with content")
	}
	room, err := c.parseRoom(ctx, request.Room)
	if err != nil {
		return err
	}
	_, err = c.chat.Post(ctx, domain.PostMessage{Kind: domain.MessageText, Text: request.Content, ChatRooms: []domain.ChatRoomID{room}}, "")
	return err
}

// parseRoom returns the chat room whose id or name raw contains, as a string or in an object. If raw contains none, it
// returns the chat room of the handshake.
func (c *chatClient) parseRoom(ctx context.Context, raw json.RawMessage) (domain.ChatRoomID, error) {
	ref := ""
	if json.Unmarshal(raw, &ref) != nil {
		var object struct {
			ID   string `json:"_id"`
			Name string `json:"name"`
		}
		_ = strictjson.Unmarshal(raw, &object)
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
	if err := c.chat.AllowQuery(); err != nil {
		return "", err
	}
	room, err := c.cfg.Chat.Room(ctx, ref)
	return room.ID, err
}

// handleHistory sends the newest messages of a chat room, oldest first. With the argument {room, before}, it sends the
// messages before the message before.
func (c *chatClient) handleHistory(ctx context.Context, e *protocol.Event) error {
	var raw json.RawMessage
	if len(e.Arguments) > 0 {
		raw = e.Arguments[0]
	}
	var page struct {
		Room   json.RawMessage `json:"room"`
		Before string          `json:"before"`
	}
	window := projections.Window{Limit: historySize}
	if strictjson.Unmarshal(raw, &page) == nil && (page.Room != nil || page.Before != "") {
		raw = page.Room
		window.Before, _ = strconv.ParseInt(page.Before, 10, 64)
	}
	all := []recordDTO{}
	room, err := c.parseRoom(ctx, raw)
	switch refusal := domain.AsRefusal(err); {
	case refusal != nil && refusal.Code == domain.CodeChatRoomNotFound: // a chat room that does not exist has no messages
	case err != nil:
		return err
	default:
		found, err := c.chat.History(ctx, room, window)
		if err != nil {
			return err
		}
		for _, m := range slices.Backward(found) {
			by, present := c.cfg.Chat.Author(m)
			all = append(all, c.recordOf(m.Position, m.Text, room, m.SentAt, by, present))
		}
	}
	c.socket.Emit("allMessages", all)
	return nil
}

// deliverHistory sends an update of the chat rooms.
func (c *chatClient) deliverHistory(u *chat.Update) {
	switch e := u.Event.(type) {
	case domain.ChatRoomJoined:
		c.pushMovement(u, e.ChatRoom, "online", "加入聊天室")
	case domain.ChatRoomLeft:
		c.pushMovement(u, e.ChatRoom, "offline", "离开聊天室")
	case domain.MessagePosted:
		c.mu.Lock()
		posted := c.posted
		c.mu.Unlock()
		if room := c.roomOf(e); room != "" {
			c.push(u, "record "+string(room), func() []byte {
				return c.socket.Payload("messageAdded", c.recordOf(u.Position, e.Text, room, u.RecordedAt, u.By, u.Present))
			})
		}
		if posted || e.ToParticipant != 0 {
			c.pushPlain(u, e)
		}
	case domain.ChatRoomRemoved:
		c.roomRemoved(e.ChatRoom)
	}
}

// pushMovement tells the client that somebody has joined or left the chat room of the handshake.
func (c *chatClient) pushMovement(u *chat.Update, room domain.ChatRoomID, event, verb string) {
	c.mu.Lock()
	home := c.room.ID
	c.mu.Unlock()
	if room != home || c.own(u) {
		return
	}
	c.push(u, event, func() []byte {
		return c.socket.Payload(event, movementDTO{systemUser, "用户" + c.nameOf(u.By) + verb})
	})
}

// roomOf returns the first of the socket's chat rooms in which a message was posted, or "" if there is none.
func (c *chatClient) roomOf(e domain.MessagePosted) domain.ChatRoomID {
	for _, r := range c.rooms() {
		if slices.Contains(e.ChatRooms, r) {
			return r
		}
	}
	return ""
}

// recordOf returns a message in the form for clients. Its id is its position, with which a client can request older
// messages.
func (c *chatClient) recordOf(position int64, content string, room domain.ChatRoomID, at time.Time, by chat.Participant, present bool) recordDTO {
	author := authorDTO{ID: by.Connection, Name: c.nameOf(by), Online: present, CreatedAt: formatTime(at)}
	if present {
		author.Room = &room
	}
	if by.User.ID != 0 {
		author.ID, author.Avatar = strconv.FormatInt(int64(by.User.ID), 10), by.User.Avatar
		author.CreatedAt = formatTime(by.User.CreatedAt)
	}
	return recordDTO{strconv.FormatInt(position, 10), content, room, formatTime(at), author}
}
