package api

import (
	"context"
	"slices"

	"roomlog/api/token"
	"roomlog/domain"
	"roomlog/projections"
)

// An access says who may call an endpoint. The endpoint checks it before its handler runs, so that no handler does.
type access struct {
	name       string // of the rule, for the documentation: "a token"
	needsToken bool
	check      func(ctx context.Context, s *server, in any) error
}

func (a access) description() string {
	if a.needsToken {
		return "Needs " + a.name + "."
	}
	return "Needs no token."
}

// anyone admits every client.
func anyone() access {
	return access{"nothing", false, func(context.Context, *server, any) error { return nil }}
}

// commander admits the holder of a valid token. The log checks the session, and the right that name describes, when it
// decides the endpoint's command. Use it only for endpoints that execute a command.
func commander(name string) access {
	return access{name, true, func(ctx context.Context, _ *server, _ any) error {
		return requestOf(ctx).tokenError
	}}
}

// authenticated admits a user whose session is current. The handler finds the user in the request context. name adds
// what the handler restricts: "a token, and the role auditor for other users".
func authenticated(name string) access {
	return access{name, true, func(ctx context.Context, s *server, _ any) error {
		_, err := s.authenticate(ctx)
		return err
	}}
}

// role admits a user with a role.
func role(needed domain.Role) access {
	return access{"the role " + string(needed), true, func(ctx context.Context, s *server, _ any) error {
		return s.requireRole(ctx, needed)
	}}
}

// ownerOr admits the owner of the live that the input names, and users with a role. The handler finds the live in the
// request context. It panics at the first request if the input is not a liveInput; a test calls every endpoint.
func ownerOr(needed domain.Role) access {
	return access{"the owner of the live or the role " + string(needed), true, func(ctx context.Context, s *server, in any) error {
		user, err := s.authenticate(ctx)
		if err != nil {
			return err
		}
		live, err := s.live(ctx, in.(liveInput).liveID())
		if err != nil {
			return err
		}
		requestOf(ctx).live = live
		if live.UserID != user.ID && !hasRole(user, needed) {
			return refusal(domain.CodeForbidden, "this needs the owner of the live or the role %s", needed)
		}
		return nil
	}}
}

// authenticate checks that the token is valid and its session current, by the tables, and notes the user in the request
// context.
func (s *server) authenticate(ctx context.Context) (projections.User, error) {
	rc := requestOf(ctx)
	if rc.tokenError != nil {
		return projections.User{}, rc.tokenError
	}
	user, err := s.Admission.CheckSession(ctx, sessionRef(rc.caller))
	if err == nil {
		rc.user = user
	}
	return user, err
}

func (s *server) requireRole(ctx context.Context, needed domain.Role) error {
	user, err := s.authenticate(ctx)
	if err == nil && !hasRole(user, needed) {
		err = refusal(domain.CodeForbidden, "this needs the role %s", needed)
	}
	return err
}

// sessionRef returns the session that a token names.
func sessionRef(c token.Claims) projections.SessionRef {
	return projections.SessionRef{User: c.User, Session: c.Session, Position: c.Position}
}

func hasRole(user projections.User, needed domain.Role) bool {
	return slices.Contains(user.Roles, needed)
}
