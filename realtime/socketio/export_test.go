package socketio

import (
	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/hub"
)

// ResetLive simulates that the hub missed deltas of a live.
func (s *Server) ResetLive(live domain.LiveID) {
	c := s.core.channels
	c.mu.Lock()
	one := c.byLive[live]
	c.mu.Unlock()
	s.core.cfg.Hub.Unsubscribe(live, one)
	one.Reset()
}

// FloodUnchecked delivers more deltas to two clients, whose sessions have not been checked, than may wait. The clients are
// on the only two sockets of s.
func (s *Server) FloodUnchecked() {
	sockets := s.core.sockets.list()
	for _, c := range []hub.Client{
		&accountClient{core: s.core, socket: sockets[0]},
		&chatClient{session: newSession(s.core, sockets[1]), unchecked: true},
	} {
		for range maxWaitingDeltas + 1 {
			c.DeliverPrivate(projections.Delta{})
		}
	}
}
