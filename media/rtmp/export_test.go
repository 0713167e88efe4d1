package rtmp

// SetReceived sets the numbers of bytes that were received and acknowledged.
func (c *Conn) SetReceived(received, acknowledged uint64) {
	c.r.bytes, c.acked = received, acknowledged
}

// Conn returns the connection of a publisher.
func (s *Publisher) Conn() *Conn { return s.c }
