package hub

import (
	"context"
	"errors"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

// Identity is the user and the session that a token names.
type Identity struct {
	User    domain.UserID
	Session string
	Expires time.Time // zero: never
}

// Actor returns the user as the actor of a command.
func (i Identity) Actor() domain.Actor { return domain.AuthenticatedActor(i.User, i.Session) }

// Verify returns the identity that a token names, or a *domain.Refusal.
func (h *Hub) Verify(token string) (Identity, error) { return h.cfg.Verify(token) }

// Expired reports whether the token of an identity has expired.
func (h *Hub) Expired(i Identity) bool {
	return !i.Expires.IsZero() && !h.cfg.Now().Before(i.Expires)
}

// CheckSession returns a *domain.Refusal unless the session is the newest of the user and the user may act. The
// tables may be older than the token, so a refusal is checked again when they have reached the head of the log.
func (h *Hub) CheckSession(ctx context.Context, i Identity) error {
	err := h.checkSession(ctx, i)
	if domain.AsRefusal(err) == nil {
		return err
	}
	head, err := h.cfg.Store.Head(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, tablesTimeout)
	defer cancel()
	if err := h.cfg.Feed.WaitFor(ctx, head); err != nil {
		return ErrBehind
	}
	return h.checkSession(ctx, i)
}

func (h *Hub) checkSession(ctx context.Context, i Identity) error {
	user, err := h.cfg.Queries.User(ctx, i.User)
	switch {
	case errors.Is(err, projections.ErrNotFound) || err == nil && (user.Disabled || user.Forgotten):
		return refusal(domain.CodeUserUnavailable, "user %d does not exist or is disabled", i.User)
	case err == nil && user.Ban.Active(h.cfg.Now()):
		return refusal(domain.CodeBanned, "user %d is banned", i.User)
	case err != nil:
		return err
	}
	session, err := h.cfg.Queries.Session(ctx, i.User)
	switch {
	case err != nil && !errors.Is(err, projections.ErrNotFound):
		return err
	case session != i.Session:
		return refusal(domain.CodeSessionEnded, "this session has ended: sign in again")
	}
	return nil
}

// Profile returns the profile of a signed-in user. It waits for tables that are behind the user's token.
func (h *Hub) Profile(ctx context.Context, user domain.UserID) (projections.Profile, error) {
	p, err := h.cfg.Queries.Profile(ctx, user)
	if !errors.Is(err, projections.ErrNotFound) {
		return p, err
	}
	head, err := h.cfg.Store.Head(ctx)
	if err != nil {
		return p, err
	}
	if err := h.WaitFor(ctx, head); err != nil {
		return p, err
	}
	p, err = h.cfg.Queries.Profile(ctx, user)
	if errors.Is(err, projections.ErrNotFound) {
		return p, refusal(domain.CodeUserUnavailable, "user %d does not exist", user)
	}
	return p, err
}
