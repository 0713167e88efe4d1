package native

import (
	"context"
	"errors"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/realtime/hub"
	"roomlog/realtime/ws"
)

// hello introduces the person, or renews the token of the one that is known already.
func (s *session) hello(ctx context.Context, re string, data helloData) error {
	caller, err := s.server.hub.Verify(data.Token)
	if err != nil {
		return s.turnAway(re, err)
	}
	if known := s.Identity(); known.User != 0 {
		return s.renew(ctx, re, known, caller)
	}
	at, err := s.server.hub.Register(ctx, caller.User, s)
	if err != nil {
		return s.turnAway(re, err)
	}
	if err := s.welcome(ctx, re, data.Since, caller, at); err != nil {
		s.server.hub.Unregister(caller.User, s)
		s.mu.Lock()
		s.user = userChannel{}
		s.mu.Unlock()
		return s.turnAway(re, err)
	}
	s.conn.Identified()
	return nil
}

// welcome answers a first hello; at is the position from which on the lane waits for it.
func (s *session) welcome(ctx context.Context, re, since string, caller hub.Identity, at int64) error {
	if err := s.server.hub.CheckSession(ctx, caller); err != nil {
		return err
	}
	answer := helloReply{User: caller.User, Epoch: s.server.epoch}
	after, missed, err := s.missed(ctx, caller.User, since, at)
	switch {
	case errors.Is(err, errReset):
		answer.Reset = true
	case err != nil:
		return err
	}
	if answer.Cursor, err = s.server.cfg.Store.Cursor(ctx, after); err != nil {
		return err
	}
	if answer.Balance, err = s.server.cfg.Queries.Balance(ctx, caller.User); err != nil {
		return err
	}
	if !caller.Expires.IsZero() {
		answer.Expires = &caller.Expires
	}
	s.mu.Lock()
	s.caller = caller
	s.mu.Unlock()
	s.openUserChannel(ws.TextFrame(encode(outbound{re, "ok", answer})), missed, after)
	return nil
}

// errReset: what a client missed on its private lane cannot be sent again.
var errReset = errors.New("too much was missed")

// missed answers where a client's private lane goes on, and what it missed of it up to the position at.
func (s *session) missed(ctx context.Context, user domain.UserID, since string, at int64) (int64, []userFrame, error) {
	if since == "" {
		return at, nil, nil
	}
	after, err := s.server.cfg.Store.ParseCursor(ctx, since)
	switch {
	case errors.Is(err, eventstore.ErrCursorLost):
		return at, nil, errReset
	case err != nil:
		return at, nil, err
	}
	deltas, err := s.server.cfg.Feed.UserDeltas(ctx, user, after, at, maxReplay+2) // one event of a person is on no lane
	if err != nil {
		return at, nil, err
	}
	if len(deltas) > maxReplay {
		return at, nil, errReset
	}
	var frames []userFrame
	for _, d := range deltas {
		frames = append(frames, userFrameOf(d))
	}
	return after, frames, nil
}

// renew takes the new token of a person who is known already.
func (s *session) renew(ctx context.Context, re string, known, caller hub.Identity) error {
	if caller.User != known.User {
		return hub.NewProblem(codeOtherUser, "this connection is another person's: open one of your own")
	}
	if err := s.server.hub.CheckSession(ctx, caller); err != nil {
		return err
	}
	at := s.server.hub.Position()
	cursor, err := s.server.cfg.Store.Cursor(ctx, at)
	if err != nil {
		return err
	}
	balance, err := s.server.cfg.Queries.Balance(ctx, caller.User)
	if err != nil {
		return err
	}
	answer := helloReply{User: caller.User, Epoch: s.server.epoch, Cursor: cursor, Balance: balance}
	if !caller.Expires.IsZero() {
		answer.Expires = &caller.Expires
	}
	s.mu.Lock()
	s.caller = caller
	s.mu.Unlock()
	s.conn.Send(ws.TextFrame(encode(outbound{re, "ok", answer})))
	return nil
}

// turnAway answers a hello that names nobody, and closes the connection with the code that fits. Other
// errors are answered by the caller, and hello may be tried again.
func (s *session) turnAway(re string, err error) error {
	told, _ := hub.ProblemOf(err)
	code := closeCodeOf(told.Code)
	if code == 0 {
		return err
	}
	s.refuse(re, told)
	s.depart(code, string(told.Code))
	return nil
}

// closeCodeOf returns the close code for a refusal that ends the connection, else 0.
func closeCodeOf(code domain.Code) uint16 {
	switch code {
	case domain.CodeTokenMissing, domain.CodeTokenInvalid, domain.CodeTokenExpired, domain.CodeUserUnavailable:
		return ws.CloseTokenInvalid
	case domain.CodeSessionEnded:
		return ws.CloseReplaced
	case domain.CodeKicked, domain.CodeBanned:
		return ws.CloseKicked
	case hub.CodeTooManyConnections:
		return ws.CloseTooMany
	}
	return 0
}
