package socketio

import (
	"container/list"
	"context"
	"sync"
	"time"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/socketio/engineio"
	"roomlog/realtime/socketio/protocol"
	"roomlog/realtime/ws"
)

// maxReplay is how many facts a socket is told that were before it was there.
const maxReplay = 500

// room is a live that sockets of this door are in.
type room struct {
	door  *Door
	live  domain.LiveID
	group *engineio.Group
	held  int // guarded by Door.mu

	loads sync.Mutex // held while the list is read; taken before mu

	mu     sync.Mutex
	cut    bool
	told   int64 // position of the newest fact that was told
	seats  map[*visitor]*seat
	order  list.List // of the visitors, newest first
	behind map[*seat]struct{}
	people roster
	late   []projections.Delta // told while the list is read
	reads  bool                // it is
	lists  int                 // sent to all
	last   time.Time           // when the newest was
	news   change
}

// seat is a visitor's place in a room.
type seat struct {
	place  *list.Element
	since  int64       // the visitor is told everything after it
	lists  int         // sent to all before it came
	queued []*ws.Frame // of what is told while it is behind
}

// change is what happened last to the people in a room.
type change struct {
	action string
	user   person
}

const (
	actionJoin  = "join"
	actionLeave = "leave"
)

func newRoom(d *Door, live domain.LiveID) *room {
	r := &room{
		door: d, live: live, group: d.server.Engine().NewGroup(),
		seats: make(map[*visitor]*seat), behind: make(map[*seat]struct{}),
	}
	r.mu.Lock() // nothing is told before told is known
	defer r.mu.Unlock()
	r.told = d.cfg.Hub.Subscribe(live, r)
	return r
}

// Deliver implements hub.Subscriber.
func (r *room) Deliver(d projections.Delta) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch d.Kind {
	case projections.KindProfile:
		r.people.rename(d.Profile)
		return
	case projections.KindJoin:
		r.count(d)
		r.changed(change{actionJoin, personOf(d.Profile)})
	case projections.KindLeave:
		r.count(d)
		r.changed(change{actionLeave, personOf(d.Profile)})
	default:
		if f := factFrame(d); f != nil {
			r.push(f)
		}
	}
	r.told = d.Position
}

// DeliverGauges does nothing: the lists of who is online hold the figures of this dialect.
func (r *room) DeliverGauges(projections.Gauges) {}

// push sends a fact to everybody.
func (r *room) push(f *ws.Frame) {
	r.group.Push(f)
	for s := range r.behind {
		s.queued = append(s.queued, f)
	}
}

// Reset implements hub.Subscriber: everybody has to come back.
func (r *room) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = true
	for v := range r.seats {
		v.socket.Session().Fail("transport close")
	}
}

func (r *room) wasCut() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cut
}

// arrival is somebody who has just entered a room.
type arrival struct {
	user   domain.UserID
	at     int64 // position as of which the log has the person present
	replay bool  // the socket is to be told what happened after since, too
	since  int64
}

// admit makes a visitor hear what happens in the room, and shows it who is there.
func (r *room) admit(ctx context.Context, v *visitor, a arrival) error {
	came := r.seat(v, a.replay)
	if came && a.replay {
		if err := r.replay(ctx, v, a.since); err != nil {
			return err
		}
	}
	if err := r.door.cfg.Hub.WaitFor(ctx, a.at); err != nil { // the list has to name who came
		return err
	}
	if err := r.load(ctx, a.at); err != nil {
		return err
	}
	return r.show(ctx, v, a.user, came)
}

// seat gives a visitor a place; it answers false if it has one. Who is to be told of the past is told
// nothing until replay.
func (r *room) seat(v *visitor, behind bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seats[v] != nil {
		return false
	}
	s := &seat{place: r.order.PushFront(v), since: r.told, lists: r.lists}
	r.seats[v] = s
	if behind {
		r.behind[s] = struct{}{}
	} else {
		r.group.Add(v.socket.Session())
	}
	return true
}

// replay tells a visitor what happened after a position, and makes it one of all.
func (r *room) replay(ctx context.Context, v *visitor, since int64) error {
	r.mu.Lock()
	s := r.seats[v]
	r.mu.Unlock()
	var frames []*ws.Frame
	if since < s.since {
		facts, err := r.door.cfg.Hub.Deltas(ctx, r.live, since, s.since, 2*maxReplay)
		if err != nil {
			return err
		}
		for _, d := range facts {
			if f := factFrame(d); f != nil {
				frames = append(frames, f)
			}
		}
		s.since = since
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.behind, s)
	v.socket.Send(append(frames, s.queued...)...)
	s.queued, s.lists = nil, r.lists // what was sent to all meanwhile it has not got
	r.group.Add(v.socket.Session())
	return nil
}

// remove takes a visitor out of its place.
func (r *room) remove(v *visitor) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.seats[v]
	if s == nil {
		return
	}
	delete(r.seats, v)
	delete(r.behind, s)
	r.order.Remove(s.place)
	r.group.Remove(v.socket.Session())
}

// since answers from which position on a visitor has been told everything.
func (r *room) since(v *visitor) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.seats[v]; s != nil {
		return s.since
	}
	return r.told
}

// list is who is there, as everybody sees it.
func (r *room) list(c change) []byte {
	o := online{Clients: []string{}, Action: c.action, User: c.user, Data: []person{}, Total: r.people.total}
	for e := r.order.Front(); e != nil && len(o.Clients) < r.door.cfg.Listed; e = e.Next() {
		o.Clients = append(o.Clients, e.Value.(*visitor).socket.PublicID())
	}
	for _, p := range r.people.newest[:min(len(r.people.newest), r.door.cfg.Listed)] {
		o.Data = append(o.Data, personOf(p))
	}
	return protocol.Payload("/", "online", o)
}
