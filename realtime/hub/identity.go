package hub

import (
	"context"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

// Identity is the user and the sign-in session in a token.
type Identity struct {
	User    domain.UserID
	Session string
	Expires time.Time // time when the token expires; zero: never
}

// Actor returns the actor for commands of the user.
func (i Identity) Actor() domain.Actor { return domain.AuthenticatedActor(i.User, i.Session) }

// expired reports whether the token has expired.
func (i Identity) expired(now time.Time) bool { return !i.Expires.IsZero() && !now.Before(i.Expires) }

// check returns the user, or a *domain.Refusal unless the sign-in session is the current one of the user and the user may
// act.
func (i Identity) check(ctx context.Context, a *projections.Admission) (projections.User, error) {
	return a.CheckSession(ctx, projections.SessionRef{User: i.User, Session: i.Session})
}
