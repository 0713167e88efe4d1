package engineio

import "roomlog/realtime/ws"

// receive handles a packet of the client, over either transport.
func (s *Session) receive(p packet) {
	s.receiving.Lock()
	defer s.receiving.Unlock()
	if !s.recordPacket(p.kind) {
		return
	}
	switch {
	case p.kind == typeMessage:
		defer s.recordPacket(p.kind) // the deadline starts when the message has been handled
		defer s.recover()
		s.handler.Message(p.data, p.binary)
	case p.kind == typePing && s.version == V3:
		s.Send(ws.TextFrame(append([]byte{typePong}, p.data...)))
	case p.kind == typePong && s.version == V4:
	case p.kind == typeClose:
		s.end("transport close", packetNoop)
	default:
		s.end("transport error", "")
	}
}

// Do calls f between two messages, unless the session has ended. It waits for a message that is being handled.
func (s *Session) Do(f func()) {
	s.receiving.Lock()
	defer s.receiving.Unlock()
	defer s.recover()
	if !s.Ended() {
		f()
	}
}
