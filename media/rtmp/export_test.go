package rtmp

// SetReceived sets the numbers of bytes that were received and acknowledged.
func (c *Conn) SetReceived(received, acknowledged uint64) {
	c.r.bytes, c.acked = received, acknowledged
}

// Pending returns the number of bytes that are held for incomplete messages.
func (c *Conn) Pending() int { return c.r.pending }

// Conn returns the connection of a publisher.
func (s *Publisher) Conn() *Conn { return s.c }
