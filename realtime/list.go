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

// Connection is a connection as operators see it.
type Connection struct {
	ID      domain.ConnectionID `json:"id"`
	Node    string              `json:"process"` // that holds it
	Dialect string              `json:"dialect"` // "native" or "socketio"
	Users   []domain.UserID     `json:"users"`   // in whose names it is here; none: not known, or anonymous
	Rooms   []string            `json:"rooms"`   // like "live-6"
	Address string              `json:"address"` // of the client; of IPv6 its network
	Since   time.Time           `json:"since"`

	Alias domain.ConnectionID `json:"-"` // by which others may know it, beside ID
}

// Whereabouts is who is here in somebody's name, and in which rooms.
type Whereabouts map[Client][]domain.LiveID

// Dialect is a door of another dialect, whose connections belong to the same process.
type Dialect interface {
	// Sockets answers its connections.
	Connections(Whereabouts) []Connection
	// Kick puts the client of a connection out, in its own words. It answers false if there is no such
	// connection, and does not wait.
	Kick(id domain.ConnectionID, reason string) bool
}

// Dialect has the connections of another door listed and put out with those of this one.
func (d *Door) AddDialect(a Dialect) {
	d.hub.mu.Lock()
	defer d.hub.mu.Unlock()
	d.hub.annexes = append(d.hub.annexes, a)
}

// LiveName is how a live is named among the rooms of a Socket.
func LiveName(live domain.LiveID) string { return "live-" + strconv.FormatInt(int64(live), 10) }

// Describe fills in who somebody is and where.
func (w Whereabouts) Describe(s *Connection, g Client) {
	if user := g.Identity().User; user != 0 && !slices.Contains(s.Users, user) {
		s.Users = append(s.Users, user)
	}
	for _, live := range w[g] {
		if room := LiveName(live); !slices.Contains(s.Rooms, room) {
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
func (d *Door) list() []Connection {
	w := d.whereabouts()
	var all []Connection
	for _, c := range d.sockets.Conns() {
		g, ok := c.Peer().(Client)
		if !ok { // it is being opened
			continue
		}
		s := Connection{ID: d.idOf(c), Dialect: "native", Address: c.Address(), Since: c.OpenedAt()}
		w.Describe(&s, g)
		all = append(all, s)
	}
	d.hub.mu.Lock()
	annexes := d.hub.annexes
	d.hub.mu.Unlock()
	for _, a := range annexes {
		all = append(all, a.Connections(w)...)
	}
	for i := range all {
		all[i].Node, all[i].Since = d.cfg.Node, all[i].Since.UTC()
	}
	newestFirst(all)
	return all
}

func newestFirst(all []Connection) {
	slices.SortFunc(all, func(a, b Connection) int {
		return cmp.Or(b.Since.Compare(a.Since), strings.Compare(string(a.ID), string(b.ID)))
	})
}

// idOf names a connection of the native dialect among those of all processes.
func (d *Door) idOf(c *ws.Conn) domain.ConnectionID {
	h := fnv.New32a()
	h.Write([]byte(d.cfg.Node))
	return domain.ConnectionID(fmt.Sprintf("%08x-%d", h.Sum32(), c.Serial()))
}

// putOut puts one connection of the native dialect out; it answers false if it is not here.
func (d *Door) putOut(id domain.ConnectionID, reason string) bool {
	for _, c := range d.sockets.Conns() {
		if d.idOf(c) != id {
			continue
		}
		if g, ok := c.Peer().(Client); ok {
			g.Kick(reason)
		}
		return true
	}
	return false
}
