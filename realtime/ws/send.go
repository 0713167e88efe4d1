package ws

import (
	"errors"
	"os"
	"syscall"
	"time"
)

const (
	// drainChunk is how much one write of a slow connection carries: small enough that a reader who makes
	// any progress meets the write deadline, and that dropping still finds something to drop.
	drainChunk = 16 << 10
	// closeWait is how long a close frame may wait behind what a slow reader has not read yet.
	closeWait = 2 * time.Second
	// lingerTime is how long a client gets to read the close frame before the socket is closed.
	lingerTime = time.Second
	// lingerBytes is how much of what it still sends is read meanwhile.
	lingerBytes = 1 << 20
)

// attempt is one write to a socket that does not wait: its argument and its results, kept in the connection
// so that a write allocates nothing.
type attempt struct {
	p   []byte
	n   int
	err error
	do  func(fd uintptr) bool
}

// write is handed to syscall.RawConn.Write; answering true says not to wait for the socket.
func (a *attempt) write(fd uintptr) bool {
	for {
		a.n, a.err = writeNow(fd, a.p)
		if !errors.Is(a.err, syscall.EINTR) {
			return true
		}
	}
}

// Send sends frames to this connection, in their order and in one write. It never waits: what the socket
// does not take at once waits in the bounded queue. After the end of the connection it does nothing.
func (c *Conn) Send(frames ...*Frame) {
	c.sockets.stats.FramesOut.Add(int64(len(frames)))
	switch len(frames) {
	case 0:
	case 1:
		c.offer(frames[0].wire, frames)
	default:
		c.offer(join(nil, frames), frames)
	}
}

// offer sends frames whose bytes, one after another, are joined. Both belong to the caller again when offer
// returns.
func (c *Conn) offer(joined []byte, frames []*Frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending {
		return
	}
	if c.out == nil {
		n, err := c.write(joined)
		switch {
		case err != nil:
			c.endLocked(CloseLost, "", nil)
		case n < len(joined):
			c.startDrain(frames, n)
		}
		return
	}
	c.queue(frames)
}

// queue puts frames behind what waits already.
func (c *Conn) queue(frames []*Frame) {
	before := c.out.size()
	for _, f := range frames {
		if c.out.add(f) {
			c.sockets.stats.Replaced.Add(1)
		}
	}
	c.bound(before)
}

// bound keeps the queue within its limits: from one limit on droppable frames go, at twice the limit the
// connection. An idle connection may be given more than that at once: it is ended when as much as one limit
// comes on top of what it has still to read of that. before is the size that is already counted.
func (c *Conn) bound(before int) {
	limit, stats := c.sockets.queueBytes, &c.sockets.stats
	if c.out.size() > limit {
		stats.Dropped.Add(int64(c.out.shed(limit)))
	}
	stats.QueuedBytes.Add(int64(c.out.size() - before))
	if before == 0 {
		c.out.granted = c.out.size()
		return
	}
	c.out.granted = min(c.out.granted, before)
	if c.out.size() > max(2*limit, c.out.granted+limit) {
		c.kick()
	}
}

func (c *Conn) kick() {
	c.sockets.stats.ClosedSlow.Add(1)
	c.endLocked(CloseSlow, "reading too slowly", closeFrame(CloseSlow, "reading too slowly"))
}

// write tries to write p without waiting; it returns how much the socket took.
func (c *Conn) write(p []byte) (int, error) {
	if c.socket == nil {
		return 0, nil
	}
	c.try.p = p
	err := c.socket.Write(c.try.do)
	c.try.p = nil
	switch {
	case err != nil:
		return 0, err
	case errors.Is(c.try.err, syscall.EAGAIN):
		return 0, nil
	}
	return max(c.try.n, 0), c.try.err
}

// startDrain begins to write out frames of which the socket took n bytes.
func (c *Conn) startDrain(frames []*Frame, n int) {
	c.sockets.stats.Stalls.Add(1)
	c.sockets.stats.Slow.Add(1)
	c.out = &outbox{done: make(chan struct{})}
	c.out.start(frames, n)
	c.bound(0)
	go c.drain(c.out)
}

// drain writes out until nothing waits any more. It is the only writer meanwhile.
func (c *Conn) drain(out *outbox) {
	defer close(out.done)
	defer c.sockets.stats.Slow.Add(-1)
	for {
		c.mu.Lock()
		before := out.size()
		out.flying = 0
		buffers := out.take(drainChunk, c.sockets.skipped)
		c.sockets.stats.QueuedBytes.Add(int64(out.size() - before))
		if out.size() == 0 {
			c.out = nil
			_ = c.raw.SetWriteDeadline(time.Time{}) // an expired one would fail the next direct write
			c.mu.Unlock()
			return
		}
		deadline := c.sockets.now().Add(c.sockets.writeTimeout)
		if !out.endBy.IsZero() {
			deadline = out.endBy
		}
		_ = c.raw.SetWriteDeadline(deadline)
		c.mu.Unlock()

		if _, err := buffers.WriteTo(c.raw); err != nil {
			c.giveUp(out, err)
			return
		}
	}
}

// giveUp ends a connection whose queue cannot be written out.
func (c *Conn) giveUp(out *outbox, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if errors.Is(err, os.ErrDeadlineExceeded) && !c.ending {
		c.sockets.stats.ClosedSlow.Add(1)
		c.endLocked(CloseSlow, "reading too slowly", nil)
	} else {
		c.endLocked(CloseLost, "", nil)
	}
	c.sockets.stats.QueuedBytes.Add(-int64(out.size()))
	out.head, out.flying = nil, 0
	out.clear()
}
