package socketio

import (
	"context"
	"sync"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/hub"
)

// guest is one person on one socket, in one room at least.
type guest struct {
	visitor *visitor
	rooms   map[domain.LiveID]*room // used like the fields of visitor

	mu     sync.Mutex
	caller hub.Identity
}

// renew takes the newest token's word for who it is.
func (g *guest) renew(caller hub.Identity) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.caller = caller
}

// Identity implements hub.Client.
func (g *guest) Identity() hub.Identity {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.caller
}

func (g *guest) user() domain.UserID { return g.Identity().User }

// Ended implements hub.Client.
func (g *guest) Ended() bool { return g.visitor.socket.Session().Ended() }

// DeliverPrivate implements hub.Client: the live rooms say nothing of it.
func (g *guest) DeliverPrivate(projections.Delta) {}

// Revoke implements hub.Client: the person is told why, and is out of the rooms. The socket stays, unless it
// is put out.
func (g *guest) Revoke(no *domain.Refusal) {
	v := g.visitor
	go v.socket.Session().Do(func() {
		if v.guests[g.user()] != g {
			return
		}
		v.refuse(context.Background(), "", no, false)
		if v.door.denyFor(v.socket, no) {
			return
		}
		for live := range g.rooms {
			v.leave(g, live, domain.LeaveConnectionLost)
		}
	})
}
