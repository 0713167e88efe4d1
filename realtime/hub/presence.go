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

const (
	// settleWorkers is the number of commands that are executed at the same time, so that the log appends their events
	// in one batch.
	settleWorkers = 32
	// settleRetry is the time that a worker waits after a command failed with an error that is not a refusal.
	settleRetry = 500 * time.Millisecond
)

// presence makes the log match the connections of this node: a user joins a live with the user's first connection in
// it, and leaves when the last one ends. Commands about one user in one live are executed one after another.
type presence struct {
	commands Executor // executes commands of the node itself, without the rates of clients
	joins    Executor // executes commands that clients request
	queries  *projections.Queries
	node     string
	log      *slog.Logger
	changes  chan struct{} // contains an element if removeGhosts has not handled the newest change of the history

	mu      sync.Mutex
	stopped bool
	visits  map[domain.LiveID]map[domain.UserID]*visit
	queue   []*visit      // visits that wait to be settled
	work    chan struct{} // wakes a worker
}

func newPresence(c Config) *presence {
	return &presence{
		commands: c.Commands, joins: c.ClientCommands, queries: c.Queries, node: c.Cluster.Node(), log: c.Log, changes: make(chan struct{}, 1),
		visits: make(map[domain.LiveID]map[domain.UserID]*visit), work: make(chan struct{}, settleWorkers),
	}
}

// enter makes a client present in a live and returns the position of the join. It executes the command even if the
// client is already present: only the log can check the sign-in session and whether the live is open.
func (p *presence) enter(ctx context.Context, c Client, live domain.LiveID) (position int64, err error) {
	by := c.Identity().Actor()
	v, added := p.hold(c, live, by.User)
	v.turn.Lock()
	defer v.turn.Unlock()
	receipt, err := p.joins.Execute(ctx, domain.Request{Actor: by, Command: domain.JoinLive{Live: live, Node: p.node}})
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil:
		v.joined, v.since = true, max(v.since, receipt.Position)
	case domain.AsRefusal(err) == nil: // the outcome is unknown: the command may have been executed
		v.joined = true
	}
	if err != nil && added {
		v.drop(c)
		v.cause = domain.LeaveConnectionLost
		p.released(v)
	}
	return receipt.Position, err
}

// hold adds a client to the visit of a user. It reports whether the client was not in the visit before.
func (p *presence) hold(c Client, live domain.LiveID, user domain.UserID) (v *visit, added bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	users := p.visits[live]
	if users == nil {
		users = make(map[domain.UserID]*visit)
		p.visits[live] = users
	}
	if v = users[user]; v == nil {
		v = &visit{live: live, user: user}
		users[user] = v
	}
	return v, v.hold(c)
}

// leave ends the presence of a client in a live. It does not block.
func (p *presence) leave(c Client, live domain.LiveID, cause domain.LeaveCause) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := p.visits[live][c.Identity().User]
	if v == nil {
		return
	}
	v.drop(c)
	v.cause = cause
	if !p.stopped {
		p.released(v)
	}
}

// stop prepares the stop of the node. Afterwards leave and observe queue no commands, so that users stay in their lives
// in the log.
func (p *presence) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
}

// released settles a visit without clients. If the log contains no join for the visit, it removes the visit.
func (p *presence) released(v *visit) {
	switch {
	case len(v.clients) > 0:
	case v.joined:
		p.enqueue(v)
	default:
		p.remove(v)
	}
}

func (p *presence) remove(v *visit) {
	if users := p.visits[v.live]; users[v.user] == v {
		delete(users, v.user)
		if len(users) == 0 {
			delete(p.visits, v.live)
		}
	}
}

// observe handles an event that ends a live or the presence of a viewer. It does not block.
func (p *presence) observe(d projections.Delta) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	switch e := d.Event.(type) {
	case domain.ViewerLeft:
		// Another node has counted this node as lost, or has recorded the end of a connection of the same user.
		if v := p.visits[e.Live][e.User]; v != nil && len(v.clients) > 0 && d.Position > v.since && !v.ended {
			v.rejoin = true
			p.enqueue(v)
		}
	case domain.LiveStatusChanged:
		if e.To != domain.StatusEnded {
			return
		}
		for _, v := range p.visits[e.Live] {
			v.ended = true
			p.enqueue(v)
		}
	}
}

// enqueue queues a visit and wakes a worker to settle it.
func (p *presence) enqueue(v *visit) {
	if v.queued {
		return
	}
	v.queued = true
	p.queue = append(p.queue, v)
	select {
	case p.work <- struct{}{}:
	default: // enough workers are waking up; each works until the queue is empty
	}
}

func (p *presence) next() *visit {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		p.queue = nil
		return nil
	}
	v := p.queue[0]
	p.queue = p.queue[1:]
	v.queued = false
	return v
}

// run settles visits until ctx ends. The other nodes execute the remaining leaves when they notice that this node is
// lost.
func (p *presence) run(ctx context.Context) error {
	var workers sync.WaitGroup
	for range settleWorkers {
		workers.Go(func() {
			for ctx.Err() == nil {
				if v := p.next(); v != nil {
					p.settle(ctx, v)
					continue
				}
				select {
				case <-p.work:
				case <-ctx.Done():
				}
			}
		})
	}
	workers.Wait()
	return nil
}

// settle executes the command that makes the log match the clients of a visit.
func (p *presence) settle(ctx context.Context, v *visit) {
	v.turn.Lock()
	defer v.turn.Unlock()
	request, ok := p.due(v)
	if !ok {
		return
	}
	within, cancel := context.WithTimeout(ctx, CommandTimeout)
	defer cancel()
	receipt, err := p.commands.Execute(within, request)
	refused := domain.AsRefusal(err) != nil
	_, joining := request.Command.(domain.JoinLive)
	if joining && refused {
		p.refused(v, request.Actor.Session, err)
	}
	if err != nil && !refused {
		if ctx.Err() != nil {
			return
		}
		p.log.WarnContext(ctx, "presence command failed, retrying", slog.String("command", request.Command.Type()),
			slog.Int64("live_id", int64(v.live)), slog.Int64("user_id", int64(v.user)), slog.Any("error", err))
		wait.Sleep(ctx, settleRetry)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err != nil && !refused:
		p.enqueue(v)
	case joining:
		v.joined, v.since = true, max(v.since, receipt.Position)
		if v.rejoin = sessionEnded(err) && len(v.clients) > 0; v.rejoin {
			p.enqueue(v)
		}
	default:
		v.joined = false
	}
	p.released(v)
}

// refused handles the refusal of a join that was executed for the given sign-in session. If the live has ended, its
// clients stay. If only the sign-in session has ended, its clients are removed; otherwise all clients are removed.
func (p *presence) refused(v *visit, session string, err error) {
	p.mu.Lock()
	v.ended = domain.AsRefusal(err).Code == domain.CodeLiveEnded
	position := v.since
	var removed []Client
	switch {
	case v.ended:
	case sessionEnded(err):
		removed = v.dropSession(session)
	default:
		removed = slices.Clone(v.clients)
	}
	p.mu.Unlock()
	problem, _ := ProblemOf(err)
	for _, c := range removed {
		c.RemoveFrom(v.live, position, problem)
	}
}

// sessionEnded reports whether err refuses only this session, and not every session of the user.
func sessionEnded(err error) bool {
	r := domain.AsRefusal(err)
	return r != nil && r.Code == domain.CodeSessionEnded
}

// due returns the command that a visit needs now, if it needs one.
func (p *presence) due(v *visit) (domain.Request, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	leave := domain.LeaveLive{Live: v.live, User: v.user, Cause: v.cause, Node: p.node}
	switch held := len(v.clients) > 0; {
	case v.ended && v.joined:
		leave.Cause = domain.LeaveLiveEnded
	case held && v.rejoin && !v.ended:
		newest := v.clients[len(v.clients)-1] // an older client follows if its session has ended
		return domain.Request{Actor: newest.Identity().Actor(), Command: domain.JoinLive{Live: v.live, Node: p.node}}, true
	case !held && v.joined:
	default:
		if !held {
			p.remove(v)
		}
		return domain.Request{}, false
	}
	return domain.Request{Actor: domain.Actor{Kind: domain.System}, Command: leave}, true
}

// clients returns the clients on this node that are present in each live.
func (p *presence) clients() map[domain.LiveID][]Client {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make(map[domain.LiveID][]Client, len(p.visits))
	for live, users := range p.visits {
		for _, v := range users {
			all[live] = slices.Concat(all[live], v.clients)
		}
	}
	return all
}

// ended returns the memberships whose live has ended.
func (p *presence) ended(all []Membership) (ended []Membership) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range all {
		if v := p.visits[m.Live][m.User]; v != nil && v.ended {
			ended = append(ended, m)
		}
	}
	return ended
}

func (p *presence) joinedAfter(m Membership, position int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := p.visits[m.Live][m.User]
	return v != nil && v.since > position
}

func (p *presence) count() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, users := range p.visits {
		n += len(users)
	}
	return n
}
