package socketio

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/chat"
	"roomlog/realtime/hub"
	"roomlog/realtime/socketio/protocol"
	"roomlog/realtime/ws"
)

// historySize is the number of messages of one response to getAllMessages.
const historySize = 20

// chatClient is a socket in the chat. It implements chat.Listener. Only the goroutine that handles the socket's events
// uses the fields above mu.
type chatClient struct {
	*session
	profile profile
	chat    *chat.Session
	deliver func(*chat.Update)   // delivers an update in the form of the chat profile
	by      hub.Identity         // user of the token in the handshake; set only with profileRooms
	room    projections.ChatRoom // chat room of the handshake; zero if there is none; written with mu locked
	name    string               // nickname in the profile plain; "" until the socket has one

	mu      sync.Mutex
	joined  []projections.ChatRoom // chat rooms that the socket has joined with the event join
	posted  bool                   // whether the socket has posted a plain message
	revoked bool                   // whether the user must sign in again
	direct  bool                   // whether private messages are sent as events named by the id of the socket

	unchecked bool                // whether the history of the log has changed and the sign-in session has not been checked since
	waiting   []projections.Delta // private deltas that wait until the sign-in session was checked
}

// chatHandler handles an event on a socket that is in the chat.
type chatHandler func(*chatClient, context.Context, *protocol.Event) error

// newChatClient creates the chat session of a socket. The socket enters the chat later.
func (s *session) newChatClient(p profile) *chatClient {
	c := &chatClient{session: s, profile: p}
	limits := s.socket.Shared(func() any { return s.cfg.Chat.NewLimits() }).(*chat.Limits)
	c.chat = s.cfg.Chat.NewSession(s.aliases.add(s.socket), c, limits)
	s.inChat = func() bool { return c.name != "" || len(c.rooms()) > 0 }
	s.socket.OnDisconnect(func(string) {
		s.aliases.remove(s.socket)
		c.chat.Leave(domain.LeaveConnectionLost)
	})
	return c
}

// enterRoom enters the chat and joins the chat room of the handshake.
func (c *chatClient) enterRoom(ctx context.Context, e chat.Entry) (err error) {
	c.chat.BeginEntering()
	if err := c.chat.AllowQuery(); err != nil { // limits clients that leave the chat and enter it again
		return err
	}
	if c.room, err = c.cfg.Chat.Room(ctx, c.socket.Query().Get("room")); err != nil {
		return err
	}
	e.Room = c.room.ID
	c.chat.Subscribe(e.Room)
	position, err := c.chat.Enter(ctx, e)
	if err == nil {
		c.chat.StartFrom(e.Room, position)
	}
	return err
}

// fail ends the Engine.IO session of a socket that could not enter the chat, so that its client reconnects.
func (c *chatClient) fail(ctx context.Context, err error) {
	if _, internal := hub.ProblemOf(err); internal {
		c.cfg.Log.Log(ctx, hub.LevelOf(err), "socket could not enter the chat", slog.Any("error", err))
	}
	c.Reset()
}

// Reset ends the Engine.IO session, so that the client reconnects.
func (c *chatClient) Reset() { reconnect(c.socket) }

// Deliver sends an update of the chat in the form of the chat profile.
func (c *chatClient) Deliver(u *chat.Update) { c.deliver(u) }

// Typing sends a typing event with the participant who is typing. It does so only in the profile exchange, because
// other clients do not show typing.
func (c *chatClient) Typing(by chat.Participant, _ domain.ChatRoomID) {
	if c.profile == profileExchange {
		c.socket.Emit("typing", typingDTO{c.aliases.public(by.Connection)})
	}
}

// own reports whether this socket caused an update.
func (c *chatClient) own(u *chat.Update) bool { return u.By.Connection == c.chat.Connection() }

// push sends an update. The frame is encoded once for all sockets of the same namespace that use the same key.
func (c *chatClient) push(u *chat.Update, key string, encode func() []byte) {
	c.socket.Send(u.Frame("socketio "+c.socket.Namespace()+" "+key, func() *ws.Frame { return ws.TextFrame(encode()) }))
}

// rooms returns the chat rooms that the socket is in: first that of the handshake, then those that it has joined.
func (c *chatClient) rooms() (ids []domain.ChatRoomID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.room.ID != "" {
		ids = append(ids, c.room.ID)
	}
	for _, r := range c.joined {
		if !slices.Contains(ids, r.ID) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// removeRoom removes a chat room from the chat rooms that the socket is in.
func (c *chatClient) removeRoom(room domain.ChatRoomID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.room.ID == room {
		c.room = projections.ChatRoom{}
	}
	c.joined = slices.DeleteFunc(c.joined, func(r projections.ChatRoom) bool { return r.ID == room })
}

// roomRemoved removes a chat room that no longer exists. It runs after the event that is being handled, because that
// event may concern the chat room.
func (c *chatClient) roomRemoved(room domain.ChatRoomID) {
	c.socket.Session().Later(func() { c.removeRoom(room) })
}
