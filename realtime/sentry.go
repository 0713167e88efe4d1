package realtime

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

// sentry dismisses guests whose person may not be here any more: the session has ended, the account is
// locked, the token has expired.
type sentry struct {
	door *Door
	wake chan struct{}

	mu      sync.Mutex
	doubted map[Client]time.Time // when to look at them
}

func newSentry(d *Door) *sentry {
	return &sentry{door: d, wake: make(chan struct{}, 1), doubted: make(map[Client]time.Time)}
}

const (
	expiryInterval = time.Second // how often tokens are looked at
	doubtRetry     = time.Second // after the tables could not be asked
)

// saw has a guest looked at after something happened to its person's session or account. A new session
// leaves the client some time to say hello with its token. It does not wait.
func (y *sentry) saw(g Client, d projections.Delta) {
	switch d.Event.(type) {
	case domain.UserSignedIn:
		y.doubt(g, y.door.cfg.Now().Add(y.door.cfg.Renewal))
	case domain.UserSignedOut, domain.UserDisabled, domain.UserBanned, domain.UserForgotten:
		y.doubt(g, y.door.cfg.Now())
	}
}

func (y *sentry) doubt(g Client, due time.Time) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if before, doubted := y.doubted[g]; !doubted || due.Before(before) {
		y.doubted[g] = due
	}
	select {
	case y.wake <- struct{}{}:
	default:
	}
}

// run watches until ctx ends.
func (y *sentry) run(ctx context.Context) error {
	tick := time.NewTicker(expiryInterval)
	defer tick.Stop()
	next := time.NewTimer(expiryInterval)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			y.dismissExpired()
		case <-y.wake:
		case <-next.C:
		}
		for _, g := range y.due() {
			y.look(ctx, g)
		}
		if wait, some := y.untilNext(); some {
			next.Reset(wait)
		}
	}
}

func (y *sentry) due() (due []Client) {
	now := y.door.cfg.Now()
	y.mu.Lock()
	defer y.mu.Unlock()
	for g, at := range y.doubted {
		if !now.Before(at) {
			due = append(due, g)
			delete(y.doubted, g)
		}
	}
	return due
}

func (y *sentry) untilNext() (wait time.Duration, some bool) {
	now := y.door.cfg.Now()
	y.mu.Lock()
	defer y.mu.Unlock()
	for _, at := range y.doubted {
		if until := max(at.Sub(now), 0); !some || until < wait {
			wait, some = until, true
		}
	}
	return wait, some
}

// look dismisses a guest if the person's session does not hold.
func (y *sentry) look(ctx context.Context, g Client) {
	caller := g.Identity()
	switch {
	case g.Ended():
		return
	case caller.User == 0: // its hello is being answered
		y.doubt(g, y.door.cfg.Now().Add(doubtRetry))
		return
	}
	err := y.door.CheckSession(ctx, caller)
	if err == nil {
		return
	}
	if no := domain.AsRefusal(err); no != nil {
		g.Revoke(no)
		return
	}
	if _, ours := problemOf(err); ours {
		y.door.log.WarnContext(ctx, "a session could not be looked at, trying again", slog.Any("err", err))
	}
	y.doubt(g, y.door.cfg.Now().Add(doubtRetry))
}

// dismissExpired dismisses the guests whose token has expired.
func (y *sentry) dismissExpired() {
	for _, g := range y.door.hub.guests() {
		if y.door.expired(g.Identity()) {
			g.Revoke(&domain.Refusal{Code: domain.CodeTokenExpired, Text: "the token has expired: sign in again"})
		}
	}
}
