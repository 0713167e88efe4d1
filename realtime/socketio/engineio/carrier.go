package engineio

import (
	"maps"
	"math"
	"slices"
	"time"

	"roomlog/realtime/ws"
)

// Text handles a text frame of the connection.
func (c *carrier) Text(message []byte) {
	p, err := decodeText(message, c.session.Version())
	c.receive(p, err)
}

// Binary handles a binary frame of the connection.
func (c *carrier) Binary(message []byte) {
	p, err := decodeBinary(message, c.session.Version())
	c.receive(p, err)
}

func (c *carrier) receive(p packet, err error) {
	s := c.session
	s.mu.Lock()
	carries, probes := s.carrier == c, s.probe == c
	s.mu.Unlock()
	switch {
	case err != nil && carries:
		s.end("parse error", "")
	case carries:
		s.receive(p)
	case !probes:
		c.conn.Close(ws.CloseProtocol, "not an upgrade")
	default:
		s.probePacket(c, p, err)
	}
}

// Closed ends the session that the connection carries, or its upgrade.
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

// startUpgrade makes conn, which the client requested at a time, the probe of a session that polls. It closes conn for any
// other session.
func (s *Session) startUpgrade(conn *ws.Conn, requested time.Time) *carrier {
	c := &carrier{session: s, conn: conn, since: requested}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || s.carrier != nil || s.probe != nil {
		conn.Close(ws.CloseProtocol, "not an upgrade")
	} else {
		s.probe = c
	}
	return c
}

// probePacket handles a packet of a connection that may become the carrier, or the error of decoding it. After a wrong
// packet the client may immediately try another connection.
func (s *Session) probePacket(c *carrier, p packet, err error) {
	var listeners []upgradeListener
	s.mu.Lock()
	switch {
	case err == nil && p.kind == typePing && string(p.data) == "probe":
		c.probed = true
		c.conn.Send(ws.TextFrame([]byte("3probe")))
		if s.waiting != nil {
			s.waiting <- []*ws.Frame{ws.TextFrame([]byte(packetNoop))}
			s.waiting = nil
		}
	case err == nil && p.kind == typeUpgrade && c.probed:
		listeners = s.switchTo(c)
	default:
		if s.probe == c {
			s.probe = nil
		}
		c.conn.Close(ws.CloseProtocol, "not an upgrade")
	}
	s.mu.Unlock()
	for _, l := range listeners {
		l.upgraded(s, c.conn)
	}
}

// switchTo makes c the carrier and sends the backlog over it. It returns the listeners to call after mu is unlocked.
func (s *Session) switchTo(c *carrier) []upgradeListener {
	s.carrier, s.probe = c, nil
	c.conn.SetTag(s.number)
	if s.waiting != nil { // A client that sends the upgrade packet has no GET open.
		s.waiting <- nil
		s.waiting = nil
	}
	c.conn.Send(s.backlog.Take(math.MaxInt)...) // one Send, because only that may be larger than the queue of the connection
	if s.ended {                                // The client no longer polls, so it cannot receive the last packet by a GET.
		s.dropLastPacket()
		c.conn.Close(ws.CloseNormal, "")
		return nil
	}
	s.release()
	s.release = func() {}
	if s.settled {
		c.conn.Identified()
	}
	return slices.Collect(maps.Keys(s.onUpgrade))
}
