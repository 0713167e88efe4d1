package native

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"sync"
	"sync/atomic"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/chat"
	"roomlog/realtime/hub"
	"roomlog/realtime/ws"
)

// session is one connection in the native dialect. It is a client of the hub and a listener of the chat. It handles its
// requests one after another, in the order in which the client sent them.
type session struct {
	*services
	conn   *ws.Conn
	user   userChannel
	kicked atomic.Bool // whether the client was kicked or banned; the server then removes the user from the lives

	serial      *ws.Serial // runs the handlers of requests; guards the next two fields
	joined      map[domain.LiveID]*channel
	chatSession *chat.Session // nil before the first request about the chat

	mu       sync.Mutex
	identity hub.Identity // zero before hello
}

func newSession(s *services, c *ws.Conn) *session {
	return &session{services: s, conn: c, user: userChannel{conn: c}, serial: c.NewSerial(), joined: make(map[domain.LiveID]*channel)}
}

// idOf returns the id of a connection. It is unique among all nodes.
func idOf(c *ws.Conn, node string) domain.ConnectionID {
	h := fnv.New32a()
	h.Write([]byte(node))
	return domain.ConnectionID(fmt.Sprintf("%08x-%d", h.Sum32(), c.Serial()))
}

// Identity returns the user and the sign-in session of the connection, or the zero Identity before hello.
func (s *session) Identity() hub.Identity {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.identity
}

func (s *session) setIdentity(i hub.Identity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.identity = i
	s.conn.SetTag(int64(i.User))
}

// ConnectionKey returns the key of the connection.
func (s *session) ConnectionKey() string { return string(idOf(s.conn, s.Hub.Node())) }

// Ended reports whether the connection has ended.
func (s *session) Ended() bool { return s.conn.Ended() }

// DeliverPrivate sends a delta of the user channel.
func (s *session) DeliverPrivate(d projections.Delta) { s.user.send(userFactOf(d)) }

// AnnounceLive sends a push about a live of a streamer whom the user follows.
func (s *session) AnnounceLive(l projections.Live) {
	s.conn.Send(ws.TextFrame(encode(statePush{"live.started", l.ID, liveStartedInfo{l.Title, l.Cover, projections.UserPayloadOf(l.Owner)}})))
}

// AnnounceFollower sends a push about a new follower of the user.
func (s *session) AnnounceFollower(p projections.Profile) {
	s.conn.Send(ws.TextFrame(encode(connectionPush{"follower", followerInfo{projections.UserPayloadOf(p)}})))
}

// Reset closes the connection because deltas were missed.
func (s *session) Reset() { s.conn.Close(ws.CloseBehind, "resume from where you are") }

// Revoke sends the reason for which the sign-in session is no longer valid, and closes the connection.
func (s *session) Revoke(reason *domain.Refusal) {
	s.sendError("", hub.NewProblem(reason.Code, reason.Text))
	s.close(closeCodeOf(reason.Code), string(reason.Code))
}

// Kick sends the reason, and closes the connection: the client must not reconnect.
func (s *session) Kick(reason string) {
	s.sendError("", hub.KickProblem(reason))
	s.close(ws.CloseKicked, cmp.Or(reason, string(domain.CodeKicked)))
}

// BanFrom removes the connection from a live, if it is in the live, and sends the reason.
func (s *session) BanFrom(live domain.LiveID, reason string) {
	s.serial.Later(func() { // runs after the request that is being handled, which may be a join of the live
		if s.leaveLive(live, domain.LeaveRemoved) {
			p := hub.BanProblem(reason)
			s.conn.Send(ws.TextFrame(encode(statePush{"banned", live, bannedInfo{p.Code, p.Text, p.TextZH}})))
		}
	})
}

// Deliver sends an update of the chat.
func (s *session) Deliver(u *chat.Update) {
	if frame := u.Frame("native", func() *ws.Frame { return chatFrame(u) }); frame != nil {
		s.conn.Send(frame)
	}
}

// Typing sends a typing note. A newer note of the same participant replaces one that was not sent yet.
func (s *session) Typing(by chat.Participant, room domain.ChatRoomID) {
	s.conn.Send(ws.LatestFrame(encode(chatPush{Type: "chat.typing", Room: room, Data: participantPush{participantOf(by)}}), "typing "+by.Connection))
}

func (s *session) reply(re string, data any) { s.conn.Send(replyTo(re, data)) }

// replyTo encodes the reply to a request.
func replyTo(re string, data any) *ws.Frame { return ws.TextFrame(encode(replyFrame{re, "ok", data})) }

// sendError sends an error. re is the id of the request that caused it, or "".
func (s *session) sendError(re string, p *hub.Problem) {
	s.conn.Send(ws.TextFrame(encode(replyFrame{re, "error", errorInfoOf(p)})))
}

// close closes the connection. With CloseKicked, the user leaves the lives with the cause removed; with other codes,
// the connection counts as lost.
func (s *session) close(code uint16, reason string) {
	if code == ws.CloseKicked {
		s.kicked.Store(true)
	}
	s.conn.Close(code, reason)
}

// end runs when the connection has ended. It makes the connection leave its lives and the chat, and unregisters it.
func (s *session) end() {
	cause := domain.LeaveConnectionLost
	if s.kicked.Load() {
		cause = domain.LeaveRemoved
	}
	for live := range s.joined {
		s.leaveLive(live, cause)
	}
	if s.chatSession != nil {
		s.chatSession.Leave(domain.LeaveConnectionLost)
	}
	if user := s.Identity().User; user != 0 {
		s.Hub.Unregister(user, s)
	}
}

// leaveLive removes the connection from a live. It reports whether the connection was in the live.
func (s *session) leaveLive(live domain.LiveID, cause domain.LeaveCause) bool {
	c := s.joined[live]
	if c == nil {
		return false
	}
	delete(s.joined, live)
	c.remove(s.conn)
	s.channels.release(c)
	s.Hub.Leave(s, live, cause)
	return true
}

// inChat returns the chat session of the connection, with the newest identity. The first call creates the chat session.
func (s *session) inChat() *chat.Session {
	if s.chatSession == nil {
		var id [15]byte
		_, _ = rand.Read(id[:]) // rand.Read never fails
		s.chatSession = s.Chat.NewSession(base64.RawURLEncoding.EncodeToString(id[:]), s, s.Chat.NewLimits())
	}
	s.chatSession.SetIdentity(s.Identity())
	return s.chatSession
}
