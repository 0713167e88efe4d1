package engineio

// Version is a version of the Engine.IO protocol.
type Version int

// Versions of Engine.IO. Clients of Socket.IO 1.x and 2.x speak version 3, newer clients version 4.
const (
	V3 Version = 3
	V4 Version = 4
)

// misdeclaring is the beginning of the User-Agent of the official C++ client. Until its version 2.0 of 2021 it declares
// version 4, but speaks version 3: it waits for the server to connect it, and sends pings.
const misdeclaring = "WebSocket++/"

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
	if awaits {
		s.Downgrade()
	}
}
