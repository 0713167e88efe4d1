package engineio

// Waits reports whether a GET of the client waits for frames.
func (s *Session) Waits() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting != nil
}
