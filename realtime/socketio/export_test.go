package socketio

import "roomlog/domain"

// ResetLive simulates that the hub missed deltas of a live.
func (s *Server) ResetLive(live domain.LiveID) {
	c := s.core.channels
	c.mu.Lock()
	one := c.byLive[live]
	c.mu.Unlock()
	s.core.cfg.Hub.Unsubscribe(live, one)
	one.Reset()
}
