package realtime

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/ws"
)

// session is one connection in the native dialect. Frames are handled one after another, so that what a
// person says stays in order.
type session struct {
	door *Door
	conn *ws.Conn
	out  atomic.Bool // put out by us

	turn  sync.Mutex // held while a frame is handled; taken before mu
	rooms map[domain.LiveID]*room
	chat  *ChatSession // nil as long as nothing was said about the chat

	mu     sync.Mutex
	caller Identity // the zero Caller before hello
	lane   privateLane
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
		s.refuse(partly.ID, badFrame(err))
		return
	}
	if len(in.ID) > maxID {
		s.refuse("", newProblem(domain.CodeBadRequest, "id has 64 bytes at most"))
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	switch answer, err := s.handle(ctx, in); {
	case err != nil:
		s.failed(ctx, in, err)
	case answer != nil:
		s.conn.Send(ws.MustFrame(encode(outbound{in.ID, "ok", answer})))
	}
}

// handle answers what to say to a frame; nil if that has been said.
func (s *session) handle(ctx context.Context, in inbound) (any, error) {
	v, known := s.door.verbs[in.Type]
	caller := s.Identity()
	switch {
	case !known:
		return nil, newProblem(codeNoSuchType, "there is no frame of this type")
	case v.open:
	case caller.User == 0:
		return nil, newProblem(codeHelloFirst, "say hello with a token first")
	case s.door.expired(caller):
		return nil, refusal(domain.CodeTokenExpired, "the token has expired: say hello with a new one")
	}
	return v.run(s, ctx, in)
}

// failed answers an error; ours is logged here, once, and never told.
func (s *session) failed(ctx context.Context, in inbound, err error) {
	told, ours := problemOf(err)
	if ours {
		s.door.log.ErrorContext(ctx, "a frame failed", slog.String("type", in.Type),
			slog.Int64("user", int64(s.Identity().User)), slog.Any("err", err))
	}
	s.refuse(in.ID, told)
}

func (s *session) refuse(re string, p *problem) {
	s.conn.Send(ws.MustFrame(encode(outbound{re, "error", p})))
}

// Closed takes the connection out of everything.
func (s *session) Closed(uint16, string) {
	s.turn.Lock()
	defer s.turn.Unlock()
	cause := domain.LeaveConnectionLost
	if s.out.Load() {
		cause = domain.LeaveRemoved
	}
	for live := range s.rooms {
		s.leave(live, cause)
	}
	if s.chat != nil {
		s.chat.Leave(domain.LeaveConnectionLost)
	}
	if user := s.Identity().User; user != 0 {
		s.door.hub.exit(user, s)
	}
}

// Identity implements Guest.
func (s *session) Identity() Identity {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.caller
}

// Ended implements Guest.
func (s *session) Ended() bool { return s.conn.Ended() }

// DeliverPrivate implements Guest.
func (s *session) DeliverPrivate(d projections.Delta) { s.tell(laneFrameOf(d)) }

// Revoke implements Guest.
func (s *session) Revoke(no *domain.Refusal) {
	told := newProblem(no.Code, no.Text)
	s.refuse("", told)
	s.depart(farewell(no.Code), string(no.Code))
}
