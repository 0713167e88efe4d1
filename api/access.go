package api

import (
	"context"
	"errors"
	"slices"
	"time"

	"roomlog/api/token"
	"roomlog/domain"
	"roomlog/projections"
)

// access is the access rule of an endpoint. It selects the clients that may call the endpoint. The rule is checked
// before the handler runs, so handlers need no checks.
type access struct {
	name       string // name of the rule in the documentation, such as "a token"
	needsToken bool
	sameOrigin bool          // whether browser pages of other origins are refused
	refusals   []domain.Code // codes of the rule, in addition to those of a token
	check      func(ctx context.Context, s *server, in any) error
}

func (a access) description() string {
	if a.needsToken {
		return "Needs " + a.name + "."
	}
	return "Needs no token."
}

// codes returns the codes with which the rule refuses a client, or with which the log refuses a command because of its
// actor.
func (a access) codes() []domain.Code {
	if !a.needsToken {
		return a.refusals
	}
	return append([]domain.Code{
		domain.CodeTokenMissing, domain.CodeTokenExpired, domain.CodeTokenInvalid, domain.CodeSessionEnded, domain.CodeUserUnavailable, domain.CodeBanned,
	}, a.refusals...)
}

// anyone admits every client.
func anyone() access {
	return access{name: "nothing", check: func(context.Context, *server, any) error { return nil }}
}

// commander admits clients with a valid token. It checks neither the sign-in session nor the right that name describes,
// because the log checks both when it decides the command. Use it only for endpoints that execute a command.
func commander(name string) access {
	return access{name: name, needsToken: true, check: func(ctx context.Context, _ *server, _ any) error {
		return requestOf(ctx).tokenError
	}}
}

// authenticated admits users with a current sign-in session and stores the user in the request context. name also
// describes the restrictions that the handler checks, such as "a token, and the role auditor for other users".
func authenticated(name string) access {
	return access{name: name, needsToken: true, check: func(ctx context.Context, s *server, _ any) error {
		_, err := s.authenticate(ctx)
		return err
	}}
}

// role admits users with a role. Pages of other origins may not call the endpoint, so they cannot use the rights of an
// operator.
func role(needed domain.Role) access {
	return access{name: "the role " + string(needed), needsToken: true, sameOrigin: needed == domain.RoleOperator, refusals: []domain.Code{domain.CodeForbidden},
		check: func(ctx context.Context, s *server, _ any) error { return s.requireRole(ctx, needed) }}
}

// ownerOr admits the owner of the live in the input, and users with one of some roles. It stores the live in the request context.
// It panics at the first request if the input is not a liveInput; a test calls every endpoint.
func ownerOr(needed ...domain.Role) access {
	refusals := []domain.Code{domain.CodeForbidden, domain.CodeLiveNotFound}
	name := "the owner of the live"
	for _, role := range needed {
		name += " or the role " + string(role)
	}
	return access{name: name, needsToken: true, refusals: refusals, check: func(ctx context.Context, s *server, in any) error {
		user, err := s.authenticate(ctx)
		if err != nil {
			return err
		}
		live, err := s.live(ctx, in.(liveInput).liveID())
		if err != nil {
			return err
		}
		requestOf(ctx).live = live
		if live.UserID != user.ID && !slices.ContainsFunc(needed, func(role domain.Role) bool { return hasRole(user, role) }) {
			return refusal(domain.CodeForbidden, "this needs %s", name)
		}
		return nil
	}}
}

// moderatorOf admits the owner and the moderators of the live in the input, and operators. name describes them.
func moderatorOf(name string) access {
	return access{name: name, needsToken: true, refusals: []domain.Code{domain.CodeForbidden, domain.CodeLiveNotFound}, check: func(ctx context.Context, s *server, in any) error {
		user, err := s.authenticate(ctx)
		if err != nil {
			return err
		}
		live := in.(liveInput).liveID()
		if _, err := s.live(ctx, live); err != nil {
			return err
		}
		standing, err := s.Queries.Standing(ctx, live, user.ID)
		if err == nil && !standing.Moderates() {
			err = refusal(domain.CodeForbidden, "this needs %s", name)
		}
		return err
	}}
}

// LivePath is the input of an endpoint with the id of a live in its path. It is exported because huma sets embedded
// structs only if they are exported.
type LivePath struct {
	ID domain.LiveID `path:"id"`
}

func (in *LivePath) liveID() domain.LiveID { return in.ID }

// liveInput is implemented by the inputs of endpoints about one live.
type liveInput interface{ liveID() domain.LiveID }

// authenticate checks that the token is valid now and that its sign-in session is current according to the tables. It
// stores the user in the request context. Long responses call it again.
func (s *server) authenticate(ctx context.Context) (projections.User, error) {
	rc := requestOf(ctx)
	if rc.tokenError == nil { // the token was valid when the request began, but may have expired since
		_, rc.tokenError = s.Tokens.Read(rc.token)
	}
	if rc.tokenError != nil {
		return projections.User{}, rc.tokenError
	}
	user, err := s.Admission.CheckSession(ctx, sessionRef(rc.caller))
	if err == nil {
		rc.user = user
	}
	return user, err
}

// optionalUser returns the user of a request that needs no token, or 0 without a valid token and session.
func (s *server) optionalUser(ctx context.Context) (domain.UserID, error) {
	if requestOf(ctx).caller.User == 0 {
		return 0, nil
	}
	user, err := s.authenticate(ctx)
	if domain.AsRefusal(err) != nil {
		return 0, nil //nolint:nilerr // a client without a valid session is anonymous
	}
	return user.ID, err
}

func (s *server) requireRole(ctx context.Context, needed domain.Role) error {
	user, err := s.authenticate(ctx)
	if err == nil && !hasRole(user, needed) {
		err = refusal(domain.CodeForbidden, "this needs the role %s", needed)
	}
	return err
}

// live returns a live. It refuses with live_not_found if the live does not exist.
func (s *server) live(ctx context.Context, id domain.LiveID) (projections.Live, error) {
	live, err := s.Queries.Live(ctx, id)
	if isNotFound(err) {
		err = refusal(domain.CodeLiveNotFound, "there is no live %d", id)
	}
	return live, err
}

// sessionRef returns the reference to the sign-in session in the claims of a token.
func sessionRef(c token.Claims) projections.SessionRef {
	return projections.SessionRef{User: c.User, Session: c.Session, Position: c.Position}
}

func hasRole(user projections.User, needed domain.Role) bool {
	return slices.Contains(user.Roles, needed)
}

func isNotFound(err error) bool { return errors.Is(err, projections.ErrNotFound) }

// endOf returns an end in Unix seconds as a time, or nil for 0.
func endOf(until int64) *time.Time {
	if until == 0 {
		return nil
	}
	return new(time.Unix(until, 0).UTC())
}
