package realtime

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"roomlog/domain"

	"roomlog/realtime/ws"
)

// Socket is a connection as operators see it.
type Socket struct {
	ID      domain.ConnectionID `json:"id"`
	Process string              `json:"process"` // that holds it
	Dialect string              `json:"dialect"` // "native" or "socketio"
	Users   []domain.UserID     `json:"users"`   // in whose names it is here; none: not known, or anonymous
	Rooms   []string            `json:"rooms"`   // like "live-6"
	Address string              `json:"address"` // of the client; of IPv6 its network
	Since   time.Time           `json:"since"`

	Alias domain.ConnectionID `json:"-"` // by which others may know it, beside ID
}

// Whereabouts is who is here in somebody's name, and in which rooms.
type Whereabouts map[Guest][]domain.LiveID

// Annex is a door of another dialect, whose connections belong to the same process.
type Annex interface {
	// Sockets answers its connections.
	Sockets(Whereabouts) []Socket
	// PutOut puts the client of a connection out, in its own words. It answers false if there is no such
	// connection, and does not wait.
	PutOut(id domain.ConnectionID, reason string) bool
}

// Annex has the connections of another door listed and put out with those of this one.
func (d *Door) Annex(a Annex) {
	d.hub.mu.Lock()
	defer d.hub.mu.Unlock()
	d.hub.annexes = append(d.hub.annexes, a)
}

// RoomOf is how a live is named among the rooms of a Socket.
func RoomOf(live domain.LiveID) string { return "live-" + strconv.FormatInt(int64(live), 10) }

// Describe fills in who somebody is and where.
func (w Whereabouts) Describe(s *Socket, g Guest) {
	if user := g.Caller().User; user != 0 && !slices.Contains(s.Users, user) {
		s.Users = append(s.Users, user)
	}
	for _, live := range w[g] {
		if room := RoomOf(live); !slices.Contains(s.Rooms, room) {
			s.Rooms = append(s.Rooms, room)
		}
	}
	slices.Sort(s.Users)
	slices.Sort(s.Rooms)
}

// whereabouts answers where everybody is.
func (d *Door) whereabouts() Whereabouts {
	w := make(Whereabouts)
	for _, g := range d.hub.guests() {
		w[g] = nil
	}
	p := d.presence
	p.mu.Lock()
	defer p.mu.Unlock()
	for live, people := range p.visits {
		for _, v := range people {
			for _, g := range v.holders {
				w[g] = append(w[g], live)
			}
		}
	}
	return w
}

// list answers the connections of this process, newest first.
func (d *Door) list() []Socket {
	w := d.whereabouts()
	var all []Socket
	for _, c := range d.sockets.Conns() {
		g, ok := c.Peer().(Guest)
		if !ok { // it is being opened
			continue
		}
		s := Socket{ID: d.idOf(c), Dialect: "native", Address: c.Address(), Since: c.OpenedAt()}
		w.Describe(&s, g)
		all = append(all, s)
	}
	d.hub.mu.Lock()
	annexes := d.hub.annexes
	d.hub.mu.Unlock()
	for _, a := range annexes {
		all = append(all, a.Sockets(w)...)
	}
	for i := range all {
		all[i].Process, all[i].Since = d.cfg.Process, all[i].Since.UTC()
	}
	newestFirst(all)
	return all
}

func newestFirst(all []Socket) {
	slices.SortFunc(all, func(a, b Socket) int {
		return cmp.Or(b.Since.Compare(a.Since), strings.Compare(string(a.ID), string(b.ID)))
	})
}

// idOf names a connection of the native dialect among those of all processes.
func (d *Door) idOf(c *ws.Conn) domain.ConnectionID {
	h := fnv.New32a()
	h.Write([]byte(d.cfg.Process))
	return domain.ConnectionID(fmt.Sprintf("%08x-%d", h.Sum32(), c.Serial()))
}

// putOut puts one connection of the native dialect out; it answers false if it is not here.
func (d *Door) putOut(id domain.ConnectionID, reason string) bool {
	for _, c := range d.sockets.Conns() {
		if d.idOf(c) != id {
			continue
		}
		if g, ok := c.Peer().(Guest); ok {
			g.PutOut(reason)
		}
		return true
	}
	return false
}
