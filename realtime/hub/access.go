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

// accessWatcher removes the viewers of this node who have lost the right to be in their lives, after an event that may
// have taken the right. The tables already contain the event. Bans are not among these events, because they name their
// user.
type accessWatcher struct {
	queries  *projections.Queries
	presence *presence
	now      func() time.Time
	log      *slog.Logger
	wake     chan struct{}

	mu       sync.Mutex
	lives    map[domain.LiveID]bool // lives whose viewers are checked next
	users    map[domain.UserID]bool // users whose lives are checked next
	position int64                  // position of the newest event that was observed
}

func newAccessWatcher(c Config, p *presence) *accessWatcher {
	return &accessWatcher{
		queries: c.Queries, presence: p, now: c.Now, log: c.Log, wake: make(chan struct{}, 1),
		lives: make(map[domain.LiveID]bool), users: make(map[domain.UserID]bool),
	}
}

// observe schedules a check after an event that may have taken a right. It does not block.
func (w *accessWatcher) observe(d projections.Delta) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := d.Event.(type) {
	case domain.LiveAccessSet:
		w.lives[e.Live] = true
	case domain.LiveAgeSet:
		w.lives[e.Live] = true
	case domain.InvitationRevoked:
		w.lives[e.Live] = true
	case domain.TicketReturned:
		w.users[e.User] = true
	case domain.UserAgeChanged:
		w.users[e.User] = true
	case domain.ModeratorRemoved:
		w.users[e.User] = true
	case domain.UserUnfollowed:
		w.users[e.User] = true
	case domain.UserRoleRevoked:
		w.users[e.User] = true
	default:
		return
	}
	w.position = d.Position
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// historyChanged forgets the events of the former history: the log decides about all viewers again.
func (w *accessWatcher) historyChanged() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.lives)
	clear(w.users)
	w.position = 0
}

// run checks viewers until ctx ends. A check that fails is repeated.
func (w *accessWatcher) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.wake:
		}
		viewers, position := w.take()
		for len(viewers) > 0 && ctx.Err() == nil {
			next := viewers[:min(len(viewers), viewersAtOnce)]
			if err := w.check(ctx, next, position); err != nil {
				w.log.Log(ctx, LevelOf(err), "checking the access of viewers failed, retrying", slog.Any("error", err))
				wait.Sleep(ctx, settleRetry)
				continue
			}
			viewers = viewers[len(next):]
		}
	}
}

// take returns the viewers on this node that are to be checked, and the position of the newest event that was observed.
// Viewers whose newest join is after it are left out.
func (w *accessWatcher) take() (viewers []projections.ViewerKey, position int64) {
	w.mu.Lock()
	lives, users, position := w.lives, w.users, w.position
	w.lives, w.users = make(map[domain.LiveID]bool), make(map[domain.UserID]bool)
	w.mu.Unlock()
	return w.presence.viewers(position, lives, users), position
}

// check removes the viewers who may not be in their lives any more and whose newest join is not after a position. The
// log has admitted the viewers who joined later; the tables may not contain the reason yet.
func (w *accessWatcher) check(ctx context.Context, viewers []projections.ViewerKey, position int64) error {
	refused, err := w.queries.CheckViewers(ctx, viewers, w.now())
	if err != nil {
		return err
	}
	w.mu.Lock()
	void := w.position < position // the history of the log has changed
	w.mu.Unlock()
	for viewer, refusal := range refused {
		if !void {
			problem, _ := ProblemOf(refusal)
			w.presence.expel(viewer, position, problem)
		}
	}
	return nil
}

// viewers returns the viewers on this node who are in one of lives, or are one of users, and whose newest join is not after a
// position. It includes those whose join the log has not decided yet.
func (p *presence) viewers(position int64, lives map[domain.LiveID]bool, users map[domain.UserID]bool) (found []projections.ViewerKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for live, visits := range p.visits {
		add := func(user domain.UserID) {
			if v := visits[user]; v != nil && len(v.clients) > 0 && v.since <= position {
				found = append(found, projections.ViewerKey{Live: live, User: user})
			}
		}
		if lives[live] {
			for user := range visits {
				add(user)
			}
			continue
		}
		for user := range users {
			add(user)
		}
	}
	return found
}

// expel removes the clients of a viewer on this node from the live, unless the newest join of the viewer is after a
// position.
func (p *presence) expel(viewer projections.ViewerKey, position int64, problem *Problem) {
	var clients []Client
	p.mu.Lock()
	if v := p.visits[viewer.Live][viewer.User]; v != nil && v.since <= position {
		clients = slices.Clone(v.clients)
	}
	p.mu.Unlock()
	for _, c := range clients {
		c.RemoveFrom(viewer.Live, position, problem)
	}
}
