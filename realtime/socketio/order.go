package socketio

import (
	"cmp"

	"roomlog/domain"
	"roomlog/realtime/hub"
	"roomlog/realtime/socketio/protocol"
)

// Kinds of denials, as people are shown them.
const (
	denyKicked  = "已移出" // put out
	denyLocked  = "已禁止" // may not come in
	denyRemoved = "已删除" // the room is no more
)

// deny tells a client why it is put out, and puts it out: it does not come back by itself.
func (d *Door) deny(k *protocol.Socket, kind, message string) {
	k.Emit(k.ID(), exchange{
		exchangeMeta{Timestamp: d.cfg.Now().UnixMilli()},
		exchangeData{"deny", denial{kind, message}},
	})
	k.Disconnect(true)
}

// denyFor puts a client out if that is what follows from why its person may not be here; it answers whether it
// does. Otherwise the client may go on, in another name or with a newer token.
func (d *Door) denyFor(k *protocol.Socket, no *domain.Refusal) bool {
	switch no.Code {
	case domain.CodeUserUnavailable, domain.CodeBanned:
		d.deny(k, denyLocked, no.Code.Chinese())
		return true
	}
	return false
}

// ConnectionKey returns the key of the connection that the client is on.
func (g *guest) ConnectionKey() string { return g.visitor.socket.ID() }

// ConnectionKey returns the key of the connection that the client is on.
func (p *pushed) ConnectionKey() string { return p.socket.ID() }

// ConnectionKey returns the key of the connection that the client is on.
func (c *chatter) ConnectionKey() string { return c.v.socket.ID() }

// Reset ends the session, so that the client reconnects.
func (g *guest) Reset() { g.visitor.socket.Session().Fail("transport close") }

// Reset ends the session, so that the client reconnects.
func (p *pushed) Reset() { p.socket.Session().Fail("transport close") }

// Connections returns the open connections.
func (d *Door) Connections() []hub.Connection {
	d.listing.Lock()
	defer d.listing.Unlock()
	all := make([]hub.Connection, 0, len(d.visitors))
	for v := range d.visitors {
		k := v.socket
		all = append(all, hub.Connection{
			ID: domain.ConnectionID(k.PublicID()), Alias: domain.ConnectionID(k.Session().Alias()), Key: k.ID(),
			Dialect: "socketio", Address: k.Session().Address(), Since: k.Session().Opened(),
		})
	}
	return all
}

// Kick implements hub.Dialect.
func (d *Door) Kick(id domain.ConnectionID, reason string) bool {
	d.listing.Lock()
	defer d.listing.Unlock()
	for v := range d.visitors {
		if k := v.socket; k.ID() == string(id) || k.Session().Named(string(id)) {
			d.deny(k, denyKicked, hub.KickProblem(reason).TextZH)
			return true
		}
	}
	return false
}

// Kick implements hub.Client.
func (g *guest) Kick(reason string) {
	g.visitor.door.deny(g.visitor.socket, denyKicked, hub.KickProblem(reason).TextZH)
}

// Kick implements hub.Client.
func (p *pushed) Kick(reason string) {
	p.door.deny(p.socket, denyKicked, hub.KickProblem(reason).TextZH)
}

// Kick implements hub.Client.
func (c *chatter) Kick(reason string) {
	c.v.door.deny(c.v.socket, denyKicked, hub.KickProblem(reason).TextZH)
}

// BanFrom implements hub.Client: the person is told why, and is out of the room. The socket stays.
func (g *guest) BanFrom(live domain.LiveID, reason string) {
	v := g.visitor
	go v.socket.Session().Do(func() {
		if v.guests[g.user()] != g || g.rooms[live] == nil {
			return
		}
		v.leave(g, live, domain.LeaveRemoved)
		v.socket.Emit(v.socket.ID(), notice{
			Meta: noticeMeta{Timestamp: v.door.cfg.Now().UnixMilli()},
			Data: noticeData{"error", cmp.Or(reason, domain.CodeBanned.Chinese()), domain.CodeBanned, "you are kept out of this room"},
		})
	})
}

// BanFrom implements hub.Client: it is in no room of a live.
func (p *pushed) BanFrom(domain.LiveID, string) {}

// BanFrom implements hub.Client: it is in no room of a live.
func (c *chatter) BanFrom(domain.LiveID, string) {}
