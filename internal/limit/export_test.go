package limit

// Addresses returns the number of addresses that s remembers.
func (s *Slots) Addresses() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byAddress)
}
