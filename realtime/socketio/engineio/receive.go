package engineio

import "roomlog/realtime/ws"

// receive handles a packet of the client, over either transport.
func (s *Session) receive(p packet) { s.serial.Do(func() { s.handle(p) }) }

func (s *Session) handle(p packet) {
	if !s.recordPacket(p.kind) {
		return
	}
	switch {
	case p.kind == typeMessage:
		defer s.recordPacket(p.kind) // The deadline starts when the message has been handled.
		s.handler.Message(p.data, p.binary)
	case p.kind == typePing && (s.Version() == V3 || s.Downgrade()): // Clients of version 4 send no pings.
		s.Send(ws.TextFrame(append([]byte{typePong}, p.data...)))
	case p.kind == typePong && s.Version() == V4:
	case p.kind == typeClose:
		s.end("transport close", packetNoop)
	default:
		s.end("transport error", "")
	}
}

// Later calls f between two messages, unless the session has ended by then. It does not block: f runs after the message
// that is being handled, and after the functions of earlier calls. A panic of f ends the session.
func (s *Session) Later(f func()) {
	s.serial.Later(func() {
		if !s.Ended() {
			f()
		}
	})
}
