package realtime

import (
	"context"
	"errors"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/realtime/ws"
)

// hello introduces the person, or renews the token of the one that is known already.
func (s *session) hello(ctx context.Context, re string, data helloData) error {
	caller, err := s.door.cfg.Verify(data.Token)
	if err != nil {
		return s.turnAway(re, err)
	}
	if known := s.Identity(); known.User != 0 {
		return s.renew(ctx, re, known, caller)
	}
	at, err := s.door.receive(ctx, caller.User, s)
	if err != nil {
		return s.turnAway(re, err)
	}
	if err := s.welcome(ctx, re, data.Since, caller, at); err != nil {
		s.door.hub.exit(caller.User, s)
		s.mu.Lock()
		s.lane = privateLane{}
		s.mu.Unlock()
		return s.turnAway(re, err)
	}
	s.conn.Greeted()
	return nil
}

// heard waits until the hub hears the feed, which takes a moment after the start.
func heard(ctx context.Context, h *hub) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-h.open:
		return nil
	case <-ctx.Done():
		return errBehind
	}
}

// welcome answers a first hello; at is the position from which on the lane waits for it.
func (s *session) welcome(ctx context.Context, re, since string, caller Identity, at int64) error {
	if err := s.door.CheckSession(ctx, caller); err != nil {
		return err
	}
	answer := welcome{User: caller.User, Epoch: s.door.epoch}
	after, missed, err := s.missed(ctx, caller.User, since, at)
	switch {
	case errors.Is(err, errReset):
		answer.Reset = true
	case err != nil:
		return err
	}
	if answer.Cursor, err = s.door.cfg.Store.Cursor(ctx, after); err != nil {
		return err
	}
	if answer.Balance, err = s.door.cfg.Queries.Balance(ctx, caller.User); err != nil {
		return err
	}
	if !caller.Expires.IsZero() {
		answer.Expires = &caller.Expires
	}
	s.mu.Lock()
	s.caller = caller
	s.mu.Unlock()
	s.openLane(ws.MustFrame(encode(outbound{re, "ok", answer})), missed, after)
	return nil
}

// errReset: what a client missed on its private lane cannot be sent again.
var errReset = errors.New("too much was missed")

// missed answers where a client's private lane goes on, and what it missed of it up to the position at.
func (s *session) missed(ctx context.Context, user domain.UserID, since string, at int64) (int64, []laneFrame, error) {
	if since == "" {
		return at, nil, nil
	}
	after, err := s.door.cfg.Store.ParseCursor(ctx, since)
	switch {
	case errors.Is(err, eventstore.ErrCursorLost):
		return at, nil, errReset
	case err != nil:
		return at, nil, err
	}
	deltas, err := s.door.cfg.Feed.UserDeltas(ctx, user, after, at, maxReplay+2) // one event of a person is on no lane
	if err != nil {
		return at, nil, err
	}
	if len(deltas) > maxReplay {
		return at, nil, errReset
	}
	var frames []laneFrame
	for _, d := range deltas {
		frames = append(frames, laneFrameOf(d))
	}
	return after, frames, nil
}

// renew takes the new token of a person who is known already.
func (s *session) renew(ctx context.Context, re string, known, caller Identity) error {
	if caller.User != known.User {
		return newProblem(codeOtherUser, "this connection is another person's: open one of your own")
	}
	if err := s.door.CheckSession(ctx, caller); err != nil {
		return err
	}
	at := s.door.hub.asOf.Load()
	cursor, err := s.door.cfg.Store.Cursor(ctx, at)
	if err != nil {
		return err
	}
	balance, err := s.door.cfg.Queries.Balance(ctx, caller.User)
	if err != nil {
		return err
	}
	answer := welcome{User: caller.User, Epoch: s.door.epoch, Cursor: cursor, Balance: balance}
	if !caller.Expires.IsZero() {
		answer.Expires = &caller.Expires
	}
	s.mu.Lock()
	s.caller = caller
	s.mu.Unlock()
	s.conn.Send(ws.MustFrame(encode(outbound{re, "ok", answer})))
	return nil
}

// turnAway answers a hello that names nobody, and closes the connection with the code that fits. Other
// errors are answered by the caller, and hello may be tried again.
func (s *session) turnAway(re string, err error) error {
	told, _ := problemOf(err)
	code := farewell(told.Code)
	if code == 0 {
		return err
	}
	s.refuse(re, told)
	s.depart(code, string(told.Code))
	return nil
}

// farewell is the close code for a refusal that ends the connection, else 0.
func farewell(code domain.Code) uint16 {
	switch code {
	case domain.CodeTokenMissing, domain.CodeTokenInvalid, domain.CodeTokenExpired, domain.CodeUserUnavailable:
		return ws.CloseTokenInvalid
	case domain.CodeSessionEnded:
		return ws.CloseReplaced
	case domain.CodeKicked, domain.CodeBanned:
		return ws.CloseKicked
	case codeManyConns:
		return ws.CloseTooMany
	}
	return 0
}
