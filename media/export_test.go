package media

// WaitingRequests returns the number of requests that wait for a segment or part of HLS.
func (s *Server) WaitingRequests() int { return s.hls.waiting.Count() }

// Segment starts segmenting a stream, like the first request for its index that has found a broadcast.
func (s *Server) Segment(key string) error {
	s.hls.mu.Lock()
	defer s.hls.mu.Unlock()
	_, err := s.hls.start(key)
	return err
}
