package realtime

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

// sentry closes connections whose person may not be here any more: the session has ended, the account is
// locked, the token has expired.
type sentry struct {
	door *Door
	wake chan struct{}

	mu      sync.Mutex
	doubted map[*session]time.Time // when to look at them
}

func newSentry(d *Door) *sentry {
	return &sentry{door: d, wake: make(chan struct{}, 1), doubted: make(map[*session]time.Time)}
}

const (
	expiryInterval = time.Second // how often tokens are looked at
	doubtRetry     = time.Second // after the tables could not be asked
)

// saw has a connection looked at after something happened to its person's session or account. A new session
// leaves the client some time to say hello with its token. It does not wait.
func (y *sentry) saw(s *session, d projections.Delta) {
	switch d.Event.(type) {
	case domain.UserSignedIn:
		y.doubt(s, y.door.cfg.Now().Add(y.door.cfg.Renewal))
	case domain.UserSignedOut, domain.UserDisabled, domain.UserForgotten:
		y.doubt(s, y.door.cfg.Now())
	}
}

func (y *sentry) doubt(s *session, due time.Time) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if before, doubted := y.doubted[s]; !doubted || due.Before(before) {
		y.doubted[s] = due
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
			y.closeExpired()
		case <-y.wake:
		case <-next.C:
		}
		for _, s := range y.due() {
			y.look(ctx, s)
		}
		if wait, some := y.untilNext(); some {
			next.Reset(wait)
		}
	}
}

func (y *sentry) due() (due []*session) {
	now := y.door.cfg.Now()
	y.mu.Lock()
	defer y.mu.Unlock()
	for s, at := range y.doubted {
		if !now.Before(at) {
			due = append(due, s)
			delete(y.doubted, s)
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

// look closes a connection if its person's session does not hold.
func (y *sentry) look(ctx context.Context, s *session) {
	caller := s.who()
	switch {
	case s.conn.ended():
		return
	case caller.User == 0: // its hello is being answered
		y.doubt(s, y.door.cfg.Now().Add(doubtRetry))
		return
	}
	err := y.door.admit(ctx, caller)
	if err == nil {
		return
	}
	told, ours := problemOf(err)
	if code := farewell(told.Code); code != 0 {
		s.end(code, told)
		return
	}
	if ours {
		y.door.log.WarnContext(ctx, "a session could not be looked at, trying again", slog.Any("err", err))
	}
	y.doubt(s, y.door.cfg.Now().Add(doubtRetry))
}

// closeExpired closes the connections whose token has expired.
func (y *sentry) closeExpired() {
	for _, s := range y.door.hub.sessions() {
		if s.expired(s.who()) {
			s.end(CloseTokenInvalid, newProblem(domain.CodeTokenExpired, "the token has expired: sign in again"))
		}
	}
}
