package socketio

import (
	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/hub"
)

// ResetLive makes the server believe that the hub has missed deltas of a live.
func (s *Server) ResetLive(live domain.LiveID) {
	c := s.core.channels
	c.mu.Lock()
	one := c.byLive[live]
	c.mu.Unlock()
	s.core.cfg.Hub.Unsubscribe(live, one)
	one.Reset()
}

// FloodUnchecked delivers more deltas than may wait to two clients whose sign-in sessions have not been checked. The
// clients must be on the only two sockets of s.
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
