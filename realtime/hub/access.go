package hub

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"roomlog/domain"
	"roomlog/internal/wait"
	"roomlog/projections"
)

// viewersAtOnce is the maximum number of viewers in one query about their access.
const viewersAtOnce = 1000

// accessWatcher removes the viewers of this node who may not be in their lives any more, after an event that may have taken
// the right from them. The tables already contain the event. Bans are not among these events: they name their user.
type accessWatcher struct {
	queries  *projections.Queries
	presence *presence
	now      func() time.Time
	log      *slog.Logger
	wake     chan struct{}

	mu    sync.Mutex
	lives map[domain.LiveID]bool // lives whose viewers are checked next
	users map[domain.UserID]bool // users whose lives are checked next
}

func newAccessWatcher(c Config, p *presence) *accessWatcher {
	return &accessWatcher{
		queries: c.Queries, presence: p, now: c.Now, log: c.Log, wake: make(chan struct{}, 1),
		lives: make(map[domain.LiveID]bool), users: make(map[domain.UserID]bool),
	}
}

// observe schedules a check after an event that may have taken a right. It does not block.
func (w *accessWatcher) observe(e domain.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := e.(type) {
	case domain.LiveAccessSet:
		w.lives[e.Live] = true
	case domain.InvitationRevoked:
		w.lives[e.Live] = true
	case domain.ModeratorRemoved:
		w.users[e.User] = true
	case domain.UserUnfollowed:
		w.users[e.User] = true
	case domain.UserRoleRevoked:
		w.users[e.User] = true
	default:
		return
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run checks viewers until ctx ends. A check that fails is repeated.
func (w *accessWatcher) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.wake:
		}
		viewers := w.take()
		for len(viewers) > 0 && ctx.Err() == nil {
			next := viewers[:min(len(viewers), viewersAtOnce)]
			if err := w.check(ctx, next); err != nil {
				w.log.Log(ctx, LevelOf(err), "checking the access of viewers failed, retrying", slog.Any("error", err))
				wait.Sleep(ctx, settleRetry)
				continue
			}
			viewers = viewers[len(next):]
		}
	}
}

// take returns the viewers on this node that are to be checked.
func (w *accessWatcher) take() []presentViewer {
	w.mu.Lock()
	lives, users := w.lives, w.users
	w.lives, w.users = make(map[domain.LiveID]bool), make(map[domain.UserID]bool)
	w.mu.Unlock()
	return w.presence.viewers(func(live domain.LiveID, user domain.UserID) bool { return lives[live] || users[user] })
}

// check removes those viewers who may not be in their lives any more. A viewer who has joined again during the check may have
// the right again, and is checked again.
func (w *accessWatcher) check(ctx context.Context, viewers []presentViewer) error {
	keys := make([]projections.ViewerKey, len(viewers))
	for i, v := range viewers {
		keys[i] = v.ViewerKey
	}
	refused, err := w.queries.CheckViewers(ctx, keys, w.now())
	if err != nil {
		return err
	}
	for _, v := range viewers {
		if refusal := refused[v.ViewerKey]; refusal != nil {
			problem, _ := ProblemOf(refusal)
			if !w.presence.expel(v, problem) {
				w.schedule(v.User)
			}
		}
	}
	return nil
}

// schedule checks the lives of a user.
func (w *accessWatcher) schedule(user domain.UserID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.users[user] = true
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// presentViewer is a viewer on this node, with the position of the newest join.
type presentViewer struct {
	projections.ViewerKey
	since int64
}

// viewers returns the viewers on this node that match selects.
func (p *presence) viewers(match func(domain.LiveID, domain.UserID) bool) (found []presentViewer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for live, users := range p.visits {
		for user, v := range users {
			if len(v.clients) > 0 && match(live, user) {
				found = append(found, presentViewer{projections.ViewerKey{Live: live, User: user}, v.since})
			}
		}
	}
	return found
}

// expel removes the clients of a viewer on this node from the live, unless the viewer has joined again. It reports false
// if so.
func (p *presence) expel(viewer presentViewer, problem *Problem) bool {
	var clients []Client
	p.mu.Lock()
	v := p.visits[viewer.Live][viewer.User]
	current := v == nil || v.since == viewer.since && v.since != 0 // 0: the log has not decided the join yet
	if v != nil && current {
		clients = slices.Clone(v.clients)
	}
	p.mu.Unlock()
	for _, c := range clients {
		c.RemoveFrom(viewer.Live, problem)
	}
	return current
}
