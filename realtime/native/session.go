package native

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/chat"
	"roomlog/realtime/hub"
	"roomlog/realtime/ws"
)

// session is one connection in the native dialect. Frames are handled one after another, so that what a
// person says stays in order.
type session struct {
	server *Server
	conn   *ws.Conn
	kicked atomic.Bool // or banned: the end of the connection is no accident

	turn     sync.Mutex                 // held while a frame is handled; taken before mu
	channels map[domain.LiveID]*channel // of the lives that it is in
	chat     *chat.Session              // nil as long as nothing was said about the chat

	mu     sync.Mutex
	caller hub.Identity // the zero Caller before hello
	user   userChannel
}

// maxID bounds the id of a frame, in bytes.
const maxID = 64

// Text handles a frame.
func (s *session) Text(message []byte) {
	s.turn.Lock()
	defer s.turn.Unlock()
	var in inbound
	if err := json.Unmarshal(message, &in); err != nil {
		var partly struct {
			ID string `json:"id"`
		}
		_ = json.Unmarshal(message, &partly) // perhaps at least the id can be read
		s.refuse(partly.ID, malformedFrame(err))
		return
	}
	if len(in.ID) > maxID {
		s.refuse("", hub.NewProblem(domain.CodeBadRequest, "id has 64 bytes at most"))
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), hub.CommandTimeout)
	defer cancel()
	switch answer, err := s.handle(ctx, in); {
	case err != nil:
		s.failed(ctx, in, err)
	case answer != nil:
		s.conn.Send(ws.TextFrame(encode(outbound{in.ID, "ok", answer})))
	}
}

// handle answers what to say to a frame; nil if that has been said.
func (s *session) handle(ctx context.Context, in inbound) (any, error) {
	v, known := s.server.verbs[in.Type]
	caller := s.Identity()
	switch {
	case !known:
		return nil, hub.NewProblem(codeUnknownType, "there is no frame of this type")
	case v.open:
	case caller.User == 0:
		return nil, hub.NewProblem(codeHelloFirst, "say hello with a token first")
	case s.server.hub.Expired(caller):
		return nil, &domain.Refusal{Code: domain.CodeTokenExpired, Text: "the token has expired: send hello with a new one"}
	}
	return v.run(s, ctx, in)
}

// failed answers an error; ours is logged here, once, and never told.
func (s *session) failed(ctx context.Context, in inbound, err error) {
	told, ours := hub.ProblemOf(err)
	if ours {
		s.server.log.ErrorContext(ctx, "a frame failed", slog.String("type", in.Type),
			slog.Int64("user", int64(s.Identity().User)), slog.Any("err", err))
	}
	s.refuse(in.ID, told)
}

func (s *session) refuse(re string, p *hub.Problem) {
	s.conn.Send(ws.TextFrame(encode(outbound{re, "error", errorInfoOf(p)})))
}

// Closed takes the connection out of everything.
func (s *session) Closed(uint16, string) {
	s.turn.Lock()
	defer s.turn.Unlock()
	cause := domain.LeaveConnectionLost
	if s.kicked.Load() {
		cause = domain.LeaveRemoved
	}
	for live := range s.channels {
		s.leave(live, cause)
	}
	if s.chat != nil {
		s.chat.Leave(domain.LeaveConnectionLost)
	}
	if user := s.Identity().User; user != 0 {
		s.server.hub.Unregister(user, s)
	}
}

// Identity returns the user and the session; the zero Identity before hello.
func (s *session) Identity() hub.Identity {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.caller
}

// ConnectionKey returns the key of the session's connection.
func (s *session) ConnectionKey() string { return string(s.server.idOf(s.conn)) }

// Ended reports whether the connection has ended.
func (s *session) Ended() bool { return s.conn.Ended() }

// DeliverPrivate sends a delta of the user channel.
func (s *session) DeliverPrivate(d projections.Delta) { s.sendPrivate(userFrameOf(d)) }

// Reset closes the connection because deltas were missed.
func (s *session) Reset() { s.conn.Close(ws.CloseBehind, "resume from where you are") }

// Revoke sends the reason why the session is no longer valid, and closes the connection.
func (s *session) Revoke(no *domain.Refusal) {
	told := hub.NewProblem(no.Code, no.Text)
	s.refuse("", told)
	s.depart(closeCodeOf(no.Code), string(no.Code))
}

// Kick sends the reason, and closes the connection: the client must not reconnect.
func (s *session) Kick(reason string) {
	s.refuse("", hub.KickProblem(reason))
	s.depart(ws.CloseKicked, cmp.Or(reason, string(domain.CodeKicked)))
}

// BanFrom takes the session out of a live, if it is in it, and sends the reason.
func (s *session) BanFrom(live domain.LiveID, reason string) {
	go func() { // after the frame that is being handled, which may be the one that joins the live
		s.turn.Lock()
		defer s.turn.Unlock()
		if s.leave(live, domain.LeaveRemoved) {
			p := hub.BanProblem(reason)
			s.conn.Send(ws.TextFrame(encode(bannedPush{"banned", live, bannedInfo{p.Code, p.Text, p.TextZH}})))
		}
	}()
}

// depart closes the connection. With CloseKicked its lives are left because of us, not because it was lost.
func (s *session) depart(code uint16, reason string) {
	if code == ws.CloseKicked {
		s.kicked.Store(true)
	}
	s.conn.Close(code, reason)
}
