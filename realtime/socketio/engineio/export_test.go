package engineio

// Waits says that a request of the client waits for something to be sent.
func (s *Session) Waits() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting != nil
}
