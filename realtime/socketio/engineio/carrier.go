package engineio

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"roomlog/realtime/ws"
)

// carrier is a WebSocket connection of a session: the one that carries it, or one that may.
type carrier struct {
	session *Session
	conn    *ws.Conn
	since   time.Time
	probed  bool // guarded by Session.mu
}

// Text implements realtime.Peer.
func (c *carrier) Text(message []byte) {
	p, err := decodeText(message, c.session.version)
	c.heard(p, err)
}

// Binary implements realtime.BinaryPeer.
func (c *carrier) Binary(message []byte) {
	p, err := decodeBinary(message, c.session.version)
	c.heard(p, err)
}

func (c *carrier) heard(p packet, err error) {
	s := c.session
	s.mu.Lock()
	carries, probes := s.carrier == c, s.probe == c
	if err != nil && probes { // before the client hears of it: it may try again at once
		s.probe = nil
	}
	s.mu.Unlock()
	switch {
	case err != nil && carries:
		s.end("parse error", "")
	case carries:
		s.receive(p)
	case err != nil || !probes:
		c.conn.Close(ws.CloseProtocol, "not an upgrade")
	default:
		s.probing(c, p)
	}
}

// Closed implements realtime.Peer.
func (c *carrier) Closed(uint16, string) {
	s := c.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probe == c {
		s.probe = nil
	}
	if s.carrier == c {
		s.endLocked("transport close", "")
	}
}

// upgrade begins to move a session that polls to a WebSocket connection. For any other session the connection
// is closed at once.
func (s *Session) upgrade(w http.ResponseWriter, r *http.Request) {
	s.engine.sockets.Accept(w, r, func(conn *ws.Conn) ws.Peer {
		c := &carrier{session: s, conn: conn, since: s.engine.cfg.Now()}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.ended || s.carrier != nil || s.probe != nil {
			conn.Close(ws.CloseProtocol, "not an upgrade")
		} else {
			s.probe = c
		}
		return c
	})
}

// probing handles a packet of a connection that may become the carrier.
func (s *Session) probing(c *carrier, p packet) {
	var groups []*Group
	s.mu.Lock()
	switch {
	case p.kind == typePing && string(p.data) == "probe":
		c.probed = true
		c.conn.Send(ws.TextFrame([]byte("3probe")))
		if s.waiting != nil {
			s.waiting <- []*ws.Frame{ws.TextFrame([]byte(packetNoop))}
			s.waiting = nil
		}
	case p.kind == typeUpgrade && c.probed:
		groups = s.switchTo(c)
	default:
		c.conn.Close(ws.CloseProtocol, "not an upgrade")
		s.probe = nil
	}
	s.mu.Unlock()
	for _, g := range groups {
		g.moved(s, c)
	}
}

// switchTo makes c the carrier, and sends over it what waits. It answers the groups that have to know.
func (s *Session) switchTo(c *carrier) []*Group {
	s.carrier, s.probe = c, nil
	if s.waiting != nil { // clients have no GET under way when they say so
		s.waiting <- nil
		s.waiting = nil
	}
	for frames := s.backlog.Take(pollBytes); len(frames) > 0; frames = s.backlog.Take(pollBytes) {
		c.conn.Send(frames...)
	}
	if s.ended { // the last words, which the client could not fetch any more
		s.forgetFarewell()
		c.conn.Close(ws.CloseNormal, "")
		return nil
	}
	s.leave()
	s.leave = func() {}
	return slices.Collect(maps.Keys(s.groups))
}
