package socketio

import (
	"context"
	"encoding/json"
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

const needLogin = "needLogin"

// chatter is a socket in the chat, in the manner of its profile. The fields above mu are used by the goroutine that
// handles the socket's events.
type chatter struct {
	v      *visitor
	style  profile
	member *chat.Session
	caller hub.Identity         // of somebody signed in
	room   projections.ChatRoom // of the handshake; the zero one for none. Changed with mu held
	name   string               // in the plain chat; "" as long as it has none

	mu     sync.Mutex
	joined []projections.ChatRoom // by join
	spoke  bool                   // in the plain chat
	out    bool                   // signed out
}

// chat makes a socket one of the chat.
func (v *visitor) chat(style profile) *chatter {
	c := &chatter{v: v, style: style}
	limits := v.socket.Shared(func() any { return v.door.cfg.Chat.NewLimits() }).(*chat.Limits)
	c.member = v.door.cfg.Chat.NewSession(v.door.aliases.add(v.socket), c, limits)
	v.chats = c
	v.socket.OnDisconnect(func(string) {
		v.door.aliases.remove(v.socket)
		c.member.Leave(domain.LeaveConnectionLost)
	})
	return c
}

// known says that others know the socket: by a name, or as being in a room.
func (c *chatter) known() bool { return c != nil && (c.name != "" || len(c.rooms()) > 0) }

// on has an event handled, and refusals told.
func (c *chatter) on(event string, do func(context.Context, *protocol.Event) error) {
	c.v.socket.On(event, c.v.handler(false, do))
}

// within bounds what a connecting socket asks for.
func within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}

// fail ends the connection of a socket that cannot be served now: its client comes back by itself.
func (c *chatter) fail(ctx context.Context, err error) {
	if _, ours := hub.ProblemOf(err); ours {
		c.v.door.cfg.Log.ErrorContext(ctx, "a socket cannot enter the chat", slog.Any("err", err))
	}
	c.Reset()
}

// Reset implements chat.Listener.
func (c *chatter) Reset() { c.v.socket.Session().Fail("transport close") }

// Deliver implements chat.Listener.
func (c *chatter) Deliver(f *chat.Update) {
	switch c.style {
	case profileExchange:
		c.overhearExchange(f)
	case profileHistory:
		c.overhearHistory(f)
	default:
		c.overhearPlain(f)
	}
}

// Typing implements chat.Listener.
func (c *chatter) Typing(by chat.Participant, _ domain.ChatRoomID) {
	if c.style == profileExchange {
		c.v.socket.Emit("typing", typist{c.v.door.aliases.shown(by.Connection)})
	}
}

// own says whether a fact is this socket's doing.
func (c *chatter) own(f *chat.Update) bool {
	return f.By.Connection == c.member.Connection()
}

// push sends what a fact is in a dialect; nil is nothing.
func (c *chatter) push(f *chat.Update, dialect string, text func() []byte) {
	c.v.socket.Send(f.Frame("socketio "+dialect, func() *ws.Frame { return ws.TextFrame(text()) }))
}

// rooms are where the socket is: that of its handshake, and those it joined.
func (c *chatter) rooms() (ids []domain.ChatRoomID) {
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

// text reads an argument that is a text.
func text(e *protocol.Event, i int) (s string, ok bool) {
	if i >= len(e.Arguments) || len(e.Arguments[i]) == 0 || e.Arguments[i][0] != '"' {
		return "", false
	}
	return s, json.Unmarshal(e.Arguments[i], &s) == nil
}
