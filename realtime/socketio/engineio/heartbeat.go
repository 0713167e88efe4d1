package engineio

import (
	"time"

	"roomlog/realtime/ws"
)

// check enforces the deadlines of the session as of now.
func (s *Session) check(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	shared := s.shared
	if s.probe != nil && now.Sub(s.probe.since) > shared.upgradeTimeout {
		s.probe.conn.Close(ws.CloseNormal, "upgrade timeout")
		s.probe = nil
	}
	if s.carrier == nil && !s.ended {
		s.checkPolling(now)
	}
	switch {
	case s.ended:
		if s.lastPacket != "" && now.After(s.keptUntil) {
			s.dropLastPacket()
		}
	case !s.settled && now.Sub(s.opened) > shared.settleTimeout:
		s.endLocked("transport close", packetClose)
	case s.silent(now):
		if !s.serial.Busy() { // The last message of the client is no longer being handled.
			s.endLocked("ping timeout", "")
		}
	case s.awaits && now.Sub(s.opened) >= firstPacketTimeout:
		s.serial.Later(s.downgradeSilent)
	case s.Version() == V4 && !s.pinged && !now.Before(s.deadline):
		s.pinged, s.deadline = true, s.deadline.Add(shared.pingTimeout)
		s.sendLocked(ws.TextFrame([]byte(packetPing)))
	}
}

// silent reports whether the client has missed its deadline.
func (s *Session) silent(now time.Time) bool {
	deadline := s.deadline
	if s.Version() == V4 && !s.pinged {
		deadline = deadline.Add(s.shared.pingTimeout)
	}
	return !now.Before(deadline)
}

// recordPacket moves the deadline after a packet of the client. It reports false when the session has ended.
func (s *Session) recordPacket(kind byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.shared.now()
	s.awaits, s.presumed, s.revertible = false, false, s.presumed
	switch {
	case s.ended:
		return false
	case s.Version() == V3 || kind == typePong:
		s.startInterval(now)
	case s.pinged: // The pong is still missing, but the client has sent another packet.
		s.deadline = now.Add(s.shared.pingTimeout)
	}
	return true
}

// startInterval sets the next deadline: in version 3 for the client's ping, in version 4 for the server's ping.
func (s *Session) startInterval(now time.Time) {
	s.pinged, s.deadline = false, now.Add(s.shared.pingInterval)
	if s.Version() == V3 {
		s.deadline = s.deadline.Add(s.shared.pingTimeout)
	}
}

// Downgrade sets the version to 3, because the client behaves accordingly although it has declared version 4, and calls
// Handler.Downgraded. It reports false, without an effect, if the client has not declared version 4 or has opened the session
// over polling, where its payloads show the version. Only functions that the Serial of the session runs may call it, such as
// Handler.Message.
func (s *Session) Downgrade() bool {
	s.mu.Lock()
	done := !s.ended && s.Version() == V4 && s.query.Get("transport") == "websocket"
	if done {
		s.version.Store(int32(V3))
		s.awaits = false
		s.startInterval(s.shared.now())
	}
	s.mu.Unlock()
	if done {
		s.handler.Downgraded()
	}
	return done
}

// downgradeSilent downgrades the session if the client still waits for the server.
func (s *Session) downgradeSilent() {
	s.mu.Lock()
	awaits := s.awaits
	s.mu.Unlock()
	if awaits && s.Downgrade() {
		s.mu.Lock()
		s.presumed = true
		s.mu.Unlock()
	}
}

// Revert sets the version back to 4, because the client speaks it after all. It reports false, without an effect, unless the session
// was downgraded because of the silence of its client alone, and the message that is being handled is the first packet since. Only
// Handler.Message may call it.
func (s *Session) Revert() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || !s.revertible {
		return false
	}
	s.revertible = false
	s.version.Store(int32(V4))
	s.startInterval(s.shared.now())
	return true
}
