package native

import (
	"context"
	"errors"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/realtime/hub"
)

// errReset means that a client has missed more than maxReplay facts of the user channel, or that the log does not
// contain the event of its cursor.
var errReset = errors.New("too much was missed")

// onHello authenticates the connection, or renews the token of a user who is already authenticated. It closes the
// connection if the token or the sign-in session is not valid. After other errors the client may try again.
func (s *session) onHello(ctx context.Context, r request, data helloData) (any, error) {
	identity, err := s.Hub.Verify(data.Token)
	if err != nil {
		return nil, s.reject(r.ID, err)
	}
	if known := s.Identity(); known.User != 0 {
		return s.renew(ctx, known, identity)
	}
	from, err := s.Hub.Register(ctx, identity.User, s)
	if err != nil {
		return nil, s.reject(r.ID, err)
	}
	if err := s.authenticate(ctx, r.ID, data.Since, identity, from); err != nil {
		s.Hub.Unregister(identity.User, s)
		s.user.discard()
		return nil, s.reject(r.ID, err)
	}
	s.conn.Identified()
	return nil, nil
}

// reject sends an error and closes the connection with the close code of the error. If the error has no close code,
// reject returns it: the client may try again.
func (s *session) reject(re string, err error) error {
	problem, _ := hub.ProblemOf(err)
	code := closeCodeOf(problem.Code)
	if code == 0 {
		return err
	}
	s.sendError(re, problem)
	s.close(code, string(problem.Code))
	return nil
}

// authenticate checks the sign-in session and opens the user channel. The facts after position from have been queued.
func (s *session) authenticate(ctx context.Context, re, since string, identity hub.Identity, from int64) error {
	user, err := s.Hub.CheckSession(ctx, identity)
	if err != nil {
		return err
	}
	after, missed, err := s.missed(ctx, identity.User, since, from)
	reset := errors.Is(err, errReset)
	if err != nil && !reset {
		return err
	}
	reply, err := s.helloReply(ctx, identity, after, user.Balance)
	if err != nil {
		return err
	}
	reply.Reset = reset
	s.setIdentity(identity)
	s.user.open(replyTo(re, reply), missed, after)
	return nil
}

// missed returns the facts that the client has missed up to position from. It also returns the position after which the
// user channel continues.
func (s *session) missed(ctx context.Context, user domain.UserID, since string, from int64) (int64, []userFact, error) {
	if since == "" {
		return from, nil, nil
	}
	after, err := s.Store.ParseCursor(ctx, since)
	switch {
	case errors.Is(err, eventstore.ErrCursorLost):
		return from, nil, errReset
	case err != nil:
		return from, nil, err
	}
	deltas, err := s.Feed.UserDeltas(ctx, user, after, from, maxReplay+2) // one event of a user is no fact
	if err != nil {
		return from, nil, err
	}
	if len(deltas) > maxReplay {
		return from, nil, errReset
	}
	var facts []userFact
	for _, d := range deltas {
		facts = append(facts, userFactOf(d))
	}
	return after, facts, nil
}

// renew replaces the token of a user who is already authenticated.
func (s *session) renew(ctx context.Context, known, identity hub.Identity) (any, error) {
	if identity.User != known.User {
		return nil, hub.NewProblem(codeOtherUser, "this connection belongs to another user: open a new one")
	}
	if _, err := s.Hub.CheckSession(ctx, identity); err != nil {
		return nil, err
	}
	position := s.Hub.Position()
	balance, err := s.Queries.Balance(ctx, identity.User) // read after position, so that no earlier balance replaces a push
	if err != nil {
		return nil, err
	}
	reply, err := s.helloReply(ctx, identity, position, balance)
	if err != nil {
		return nil, err
	}
	s.setIdentity(identity)
	return reply, nil
}

// helloReply returns the data of a reply to hello. The user channel continues after the position after; balance must be as of
// this position or a later one.
func (s *session) helloReply(ctx context.Context, identity hub.Identity, after int64, balance domain.Coins) (helloReply, error) {
	reply := helloReply{User: identity.User, Epoch: s.epoch(), Balance: balance}
	var err error
	if reply.Cursor, err = s.Store.Cursor(ctx, after); err != nil {
		return reply, err
	}
	if !identity.Expires.IsZero() {
		reply.Expires = &identity.Expires
	}
	return reply, nil
}
