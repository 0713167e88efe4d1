package hub

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

// presence keeps the log true about who is in which room by the connections of this process: joined with
// the first connection of a person to a room, left with the end of the last one. What it says of one person
// in one room is said one after another.
type presence struct {
	commands Executor
	process  string
	log      *slog.Logger

	mu      sync.Mutex
	stopped bool
	visits  map[domain.LiveID]map[domain.UserID]*visit
	queue   []*visit      // to be settled
	work    chan struct{} // wakes a worker
}

// visit is one person in one room. The fields below turn are guarded by presence.mu.
type visit struct {
	live domain.LiveID
	user domain.UserID
	turn sync.Mutex // held while the log is asked; taken before presence.mu

	holders []Client
	told    bool              // the log may have them present by this process
	since   int64             // position of the newest join
	rejoin  bool              // the log says they left, and they are here
	ended   bool              // the live has ended: nobody joins any more
	cause   domain.LeaveCause // of the last connection's end
	queued  bool
}

const (
	// settlers is how many leaves are on their way at once: the log commits them together.
	settlers = 32
	// settleRetry is how long a settler waits after the log could not take a command.
	settleRetry = 500 * time.Millisecond
)

func newPresence(commands Executor, process string, log *slog.Logger) *presence {
	return &presence{
		commands: commands, process: process, log: log,
		visits: make(map[domain.LiveID]map[domain.UserID]*visit), work: make(chan struct{}, settlers),
	}
}

// enter makes g present in a room as of a position, or answers why it may not be. Also somebody who is there already is asked
// for, for the log knows whether the session holds and the room is open.
func (p *presence) enter(ctx context.Context, g Client, live domain.LiveID) (position int64, err error) {
	by := g.Identity().Actor()
	v, came := p.visitOf(g, live, by.User)
	v.turn.Lock()
	defer v.turn.Unlock()
	receipt, err := p.commands.Execute(ctx, domain.Request{Actor: by, Command: domain.JoinLive{Live: live, Node: p.process}})
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil:
		v.told, v.since = true, max(v.since, receipt.Position)
	case domain.AsRefusal(err) == nil: // it may have been carried out
		v.told = true
	}
	if err != nil && came {
		v.drop(g)
		v.cause = domain.LeaveConnectionLost
		p.unheld(v)
	}
	return receipt.Position, err
}

// visitOf answers the visit of g, now one of its holders; came says whether it was not before.
func (p *presence) visitOf(g Client, live domain.LiveID, user domain.UserID) (v *visit, came bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	people := p.visits[live]
	if people == nil {
		people = make(map[domain.UserID]*visit)
		p.visits[live] = people
	}
	if v = people[user]; v == nil {
		v = &visit{live: live, user: user}
		people[user] = v
	}
	if slices.Contains(v.holders, g) {
		return v, false
	}
	v.holders = append(v.holders, g)
	return v, true
}

// leave says that g is not in a room any more. It does not wait.
func (p *presence) leave(g Client, live domain.LiveID, cause domain.LeaveCause) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := p.visits[live][g.Identity().User]
	if v == nil {
		return
	}
	v.drop(g)
	v.cause = cause
	if !p.stopped {
		p.unheld(v)
	}
}

// stop ends the care for presence, because this process ends: people are not said to have left by it.
func (p *presence) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
}

func (v *visit) drop(g Client) {
	v.holders = slices.DeleteFunc(v.holders, func(other Client) bool { return other == g })
}

// unheld has a visit without connections settled, or forgets it if the log knows nothing of it.
func (p *presence) unheld(v *visit) {
	switch {
	case len(v.holders) > 0:
	case v.told:
		p.settleLater(v)
	default:
		p.forget(v)
	}
}

func (p *presence) forget(v *visit) {
	if people := p.visits[v.live]; people[v.user] == v {
		delete(people, v.user)
		if len(people) == 0 {
			delete(p.visits, v.live)
		}
	}
}

// observe learns from the log that somebody left or that a room has ended. It does not wait.
func (p *presence) observe(d projections.Delta) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	switch e := d.Event.(type) {
	case domain.ViewerLeft:
		// Another process thought that we were dead, or held the same person too.
		if v := p.visits[e.Live][e.User]; v != nil && len(v.holders) > 0 && d.Position > v.since && !v.ended {
			v.rejoin = true
			p.settleLater(v)
		}
	case domain.LiveStatusChanged:
		if e.To != domain.StatusEnded {
			return
		}
		for _, v := range p.visits[e.Live] {
			v.ended = true
			p.settleLater(v)
		}
	}
}

// clients returns who is in which live by this node.
func (p *presence) clients() map[domain.LiveID][]Client {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make(map[domain.LiveID][]Client, len(p.visits))
	for live, users := range p.visits {
		for _, v := range users {
			all[live] = append(all[live], v.holders...)
		}
	}
	return all
}

// count returns the number of visits.
func (p *presence) count() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, users := range p.visits {
		n += len(users)
	}
	return n
}
