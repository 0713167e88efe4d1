package hub

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

const (
	expiryInterval = time.Second // interval between two checks for expired tokens
	checkRetry     = time.Second // wait before a failed check is repeated
)

// sessionWatcher revokes clients whose sign-in session is no longer valid: it was replaced or ended, the user is
// disabled, banned or forgotten, or the token has expired.
type sessionWatcher struct {
	admission *projections.Admission
	registry  *registry
	now       func() time.Time
	renewal   time.Duration // time from a new sign-in until old clients are revoked, see Config.Renewal
	log       *slog.Logger
	wake      chan struct{}

	mu  sync.Mutex
	due map[Client]time.Time // time of the next check of each client
}

func newSessionWatcher(c Config, r *registry) *sessionWatcher {
	return &sessionWatcher{
		admission: c.Admission, registry: r, now: c.Now, renewal: c.Renewal, log: c.Log,
		wake: make(chan struct{}, 1), due: make(map[Client]time.Time),
	}
}

// observe schedules a check of a client after an event about the user or the sign-in session. After a new sign-in, the
// check is delayed by renewal, so that the client can send its new token. It does not block.
func (w *sessionWatcher) observe(c Client, d projections.Delta) {
	switch d.Event.(type) {
	case domain.UserSignedIn:
		w.schedule(c, w.now().Add(w.renewal))
	case domain.UserSignedOut, domain.UserDisabled, domain.UserBanned, domain.UserForgotten:
		w.schedule(c, w.now())
	}
}

func (w *sessionWatcher) schedule(c Client, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if earlier, scheduled := w.due[c]; !scheduled || at.Before(earlier) {
		w.due[c] = at
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run checks sign-in sessions until ctx ends.
func (w *sessionWatcher) run(ctx context.Context) error {
	tick := time.NewTicker(expiryInterval)
	defer tick.Stop()
	next := time.NewTimer(expiryInterval)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			w.revokeExpired()
		case <-w.wake:
		case <-next.C:
		}
		for _, c := range w.takeDue() {
			w.check(ctx, c)
		}
		if wait, some := w.untilNext(); some {
			next.Reset(wait)
		}
	}
}

// takeDue removes and returns the clients whose check is due.
func (w *sessionWatcher) takeDue() (clients []Client) {
	now := w.now()
	w.mu.Lock()
	defer w.mu.Unlock()
	for c, at := range w.due {
		if !now.Before(at) {
			clients = append(clients, c)
			delete(w.due, c)
		}
	}
	return clients
}

// untilNext returns the time until the next scheduled check. It reports false if there is none.
func (w *sessionWatcher) untilNext() (wait time.Duration, some bool) {
	now := w.now()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, at := range w.due {
		if until := max(at.Sub(now), 0); !some || until < wait {
			wait, some = until, true
		}
	}
	return wait, some
}

// check revokes a client if its sign-in session is not valid.
func (w *sessionWatcher) check(ctx context.Context, c Client) {
	identity := c.Identity()
	switch {
	case c.Ended():
		return
	case identity.User == 0: // the first sign-in session of the client is being checked now
		w.schedule(c, w.now().Add(checkRetry))
		return
	}
	_, err := identity.check(ctx, w.admission)
	if err == nil {
		return
	}
	if r := domain.AsRefusal(err); r != nil {
		c.Revoke(r)
		return
	}
	if _, internal := ProblemOf(err); internal {
		w.log.WarnContext(ctx, "session check failed, retrying", slog.Any("error", err))
	}
	w.schedule(c, w.now().Add(checkRetry))
}

// revokeExpired revokes the clients whose token has expired.
func (w *sessionWatcher) revokeExpired() {
	for _, c := range w.registry.allClients() {
		if c.Identity().expired(w.now()) {
			c.Revoke(&domain.Refusal{Code: domain.CodeTokenExpired, Text: "the token has expired: sign in again"})
		}
	}
}
