package ws

import "time"

// Close ends the connection with a code and a reason. It returns at once; what was sent before is still
// delivered if the client reads it within closeWait, and the close frame behind it. Only the first Close
// counts.
func (c *Conn) Close(code uint16, reason string) {
	c.end(code, reason, closeFrame(code, reason))
}

// end is Close with a given close frame. It says whether it was the one that ended the connection.
func (c *Conn) end(code uint16, reason string, farewell *Frame) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first = !c.ending
	c.endLocked(code, reason, farewell)
	return first
}

// endLocked ends the connection; without a farewell, because nobody is left to read one.
func (c *Conn) endLocked(code uint16, reason string, farewell *Frame) {
	if farewell == nil && !c.gone {
		c.gone = true
		_ = c.raw.Close() // frees a write under way, and the reader
	}
	if c.ending {
		return
	}
	c.ending, c.code, c.reason = true, code, reason
	if farewell == nil {
		return
	}
	_ = c.raw.SetReadDeadline(time.Unix(1, 0)) // wakes the reader, which then finishes the connection
	if c.out == nil {
		n, err := c.write(farewell.wire)
		switch {
		case err != nil:
			c.gone = true
		case n < len(farewell.wire):
			c.startDrain([]*Frame{farewell}, n)
			c.hurry()
		}
		return
	}
	before := c.out.size()
	if code == CloseSlow {
		c.out.clear()
	}
	c.out.add(farewell)
	c.sockets.stats.QueuedBytes.Add(int64(c.out.size() - before))
	c.hurry()
}

// hurry bounds everything that is still to be written by closeWait from now.
func (c *Conn) hurry() {
	c.out.endBy = c.sockets.now().Add(closeWait)
	_ = c.raw.SetWriteDeadline(c.out.endBy)
}

// lost ends the connection because nothing more can be read from it.
func (c *Conn) lost() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ending {
		c.endLocked(CloseLost, "", nil)
	}
}

// Ended reports whether the connection has ended: it sends nothing more and delivers no more messages.
func (c *Conn) Ended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ending
}
