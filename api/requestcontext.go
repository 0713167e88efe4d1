package api

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/google/uuid"

	"roomlog/domain"
	"roomlog/projections"
)

// asker is what the door knows of whoever sent a request.
type asker struct {
	id      string     // of the request, for logs and the log
	address netip.Addr // of the client, behind trusted proxies
	base    string     // how the client addressed this server
	key     string     // idempotency key
	caller  caller     // who the token names
	refused error      // why the token is none; nil for a good one
}

type askerKey struct{}

func askerOf(ctx context.Context) *asker {
	if a, ok := ctx.Value(askerKey{}).(*asker); ok {
		return a
	}
	return &asker{refused: invalid()}
}

// withoutKey is ctx for a request that is part of another one, whose key names its first part.
func withoutKey(ctx context.Context) context.Context {
	a := *askerOf(ctx)
	a.key = ""
	return context.WithValue(ctx, askerKey{}, &a)
}

// introduce finds out once who asks, for everything behind it. A bad token is no reason to
// refuse here: endpoints that need none ignore it.
func (s *server) introduce(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &asker{
			id:      s.requestID(r),
			address: s.Proxies.ClientAddr(r),
			base:    s.PublicURL,
			key:     r.Header.Get("Idempotency-Key"),
		}
		if a.base == "" {
			a.base = s.Proxies.base(r)
		}
		a.caller, a.refused = s.Tokens.read(tokenOf(r))
		h := w.Header()
		h.Set("X-Request-Id", a.id)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store") // what may be kept says so itself
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), askerKey{}, a)))
	})
}

// requestID takes the name that a trusted proxy gave the request, or makes one.
func (s *server) requestID(r *http.Request) string {
	said := r.Header.Get("X-Request-Id")
	if said == "" || len(said) > 64 || !s.Proxies.trusts(peer(r)) || strings.ContainsFunc(said, func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.')
	}) {
		return uuid.NewString()
	}
	return said
}

// tokenOf answers the token of a request: header token, else Authorization.
func tokenOf(r *http.Request) string {
	if token := r.Header.Get("token"); token != "" {
		return token
	}
	return r.Header.Get("Authorization")
}

// person answers who signed the request. Whether the session still holds is for the log to
// say, with the command.
func person(ctx context.Context) (caller, error) {
	a := askerOf(ctx)
	return a.caller, a.refused
}

// member answers who signed the request, after the tables have confirmed that the session is the
// user's newest and the account is in order: for whatever needs a token but asks nothing of the log.
func (s *server) member(ctx context.Context) (projections.User, error) {
	c, err := person(ctx)
	if err != nil {
		return projections.User{}, err
	}
	return s.confirmed(ctx, c)
}

// confirmed answers a caller, after the tables have said what member says.
func (s *server) confirmed(ctx context.Context, c caller) (projections.User, error) {
	// Asked first: what the tables do not say now, although they have the sign-in, is not so.
	behind := s.Feed.Checkpoint() < c.position && !s.reached(ctx, c.position)
	user, err := s.Queries.User(ctx, c.user)
	if err != nil && !isNotFound(err) {
		return user, err
	}
	active := err == nil && !user.Disabled && !user.Forgotten
	session, err := s.Queries.Session(ctx, c.user)
	switch {
	case err != nil:
		return user, err
	case active && session == c.session && user.Ban.Active(s.Now()):
		return user, refusal(domain.CodeBanned, "user %d is kept out", c.user)
	case active && session == c.session:
		return user, nil
	case behind: // the tables have not seen this session begin, perhaps
		return user, fail(domain.CodeBusy, "the tables are behind: try again in a second", nil)
	case !active:
		return user, refusal(domain.CodeUserUnavailable, "user %d does not exist or is disabled", c.user)
	}
	return user, refusal(domain.CodeSessionEnded, "this session has ended: sign in again")
}

// holder answers a member who was granted role.
func (s *server) holder(ctx context.Context, role domain.Role) (projections.User, error) {
	user, err := s.member(ctx)
	if err == nil && !slices.Contains(user.Roles, role) {
		err = refusal(domain.CodeForbidden, "this needs the role %s", role)
	}
	return user, err
}
