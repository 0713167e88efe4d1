package ws

import (
	"errors"
	"os"
	"syscall"
	"time"

	"roomlog/internal/netconn"
)

const (
	// writeChunk is the size in bytes of one write to a slow connection. It is small enough that a slow reader reads it
	// before the write deadline, and that most of the queue can still be dropped.
	writeChunk = 16 << 10
	// closeTimeout is the maximum time that a close frame waits behind frames that a slow reader has not read.
	closeTimeout = 2 * time.Second
)

// Send sends frames in their order and in one write. It does not block: bytes that the socket does not accept are
// queued, and the queue is bounded. After the end of the connection, Send does nothing.
func (c *Conn) Send(frames ...*Frame) {
	c.shared.stats.FramesOut.Add(int64(len(frames)))
	switch len(frames) {
	case 0:
	case 1:
		c.offer(frames[0].wire, frames, frames[0].counters)
	default:
		c.offer(join(nil, frames), frames, countersOf(frames))
	}
}

// Close ends the connection with a code and a reason. It does not wait. Frames that were sent before, and the close
// frame after them, are still delivered if the client reads them within 2 s. Only the first call has an effect.
func (c *Conn) Close(code uint16, reason string) {
	c.end(code, reason, closeFrame(code, reason))
}

// evict closes a connection whose slot a new client needs. It does not wait until the client has read the close frame: the
// socket is needed too.
func (c *Conn) evict() {
	const reason = "another client needs the connection"
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endLocked(CloseHelloTimeout, reason, closeFrame(CloseHelloTimeout, reason))
	c.endLocked(CloseLost, "", nil)
}

// offer sends frames; joined contains their bytes, and counters their counters. The caller may change all of them after offer has
// returned.
func (c *Conn) offer(joined []byte, frames []*Frame, counters []WriteCounter) {
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
			c.startWriter(frames, n)
		default:
			c.written(counters)
		}
		return
	}
	c.queue(frames)
}

// queue appends frames to the outbox of a connection whose writer is running.
func (c *Conn) queue(frames []*Frame) {
	c.countStall(c.out)
	before := c.out.size()
	for _, f := range frames {
		if c.out.add(f) {
			c.shared.stats.Replaced.Add(1)
		}
	}
	c.bound(before)
}

// bound keeps the queue within its limits. Above the limit, bound drops droppable frames. Above twice the limit, it
// closes the connection. There is one exception: a Send to an empty queue may have any size. While frames of that Send
// wait, the connection is closed only if the frames that were queued after them also exceed the limit. before is the
// size that Stats.QueuedBytes already includes.
func (c *Conn) bound(before int) {
	limit, stats := c.shared.queueBytes, &c.shared.stats
	if c.out.size() > limit {
		stats.Dropped.Add(int64(c.out.drop(limit)))
	}
	stats.QueuedBytes.Add(int64(c.out.size() - before))
	if before == 0 {
		c.out.granted = c.out.size()
		return
	}
	c.out.granted = min(c.out.granted, before)
	if c.out.size() > max(2*limit, c.out.granted+limit) {
		stats.ClosedSlow.Add(1)
		c.endLocked(CloseSlow, "reading too slowly", closeFrame(CloseSlow, "reading too slowly"))
	}
}

// write writes p without waiting and returns the number of bytes that the socket accepted.
func (c *Conn) write(p []byte) (int, error) {
	if c.socket == nil {
		return 0, nil
	}
	c.attempt.p = p
	err := c.socket.Write(c.attempt.do)
	c.attempt.p = nil
	switch {
	case err != nil:
		return 0, err
	case errors.Is(c.attempt.err, syscall.EAGAIN):
		return 0, nil
	}
	return max(c.attempt.n, 0), c.attempt.err
}

// startWriter starts a goroutine that writes frames without their first n bytes, which the socket has already accepted.
// finish waits for the goroutine.
func (c *Conn) startWriter(frames []*Frame, n int) {
	c.out = &outbox{done: make(chan struct{})}
	c.written(c.out.start(frames, n))
	c.bound(0)
	if c.socket != nil { // Otherwise every write goes through the queue.
		c.countStall(c.out)
	}
	go c.writeQueue(c.out)
}

// countStall counts a queue, once, as one that waits for a slow reader.
func (c *Conn) countStall(out *outbox) {
	if out.stalled {
		return
	}
	out.stalled = true
	c.shared.stats.Stalls.Add(1)
	c.shared.stats.Slow.Add(1)
}

// finished records that nothing more of a queue is written. Nothing is added to the queue any more.
func (c *Conn) finished(out *outbox) {
	if out.stalled {
		c.shared.stats.Slow.Add(-1)
	}
	close(out.done)
}

// writeQueue writes until the queue is empty. Meanwhile nothing else writes to the connection.
func (c *Conn) writeQueue(out *outbox) {
	defer c.finished(out)
	for {
		c.mu.Lock()
		before := out.size()
		out.inFlight = 0
		buffers, counters := out.take(writeChunk, c.shared.skipped)
		c.shared.stats.QueuedBytes.Add(int64(out.size() - before))
		if out.size() == 0 {
			c.out = nil
			_ = c.raw.SetWriteDeadline(time.Time{}) // an expired deadline would make the next direct write fail
			c.mu.Unlock()
			return
		}
		deadline := c.shared.now().Add(c.shared.writeTimeout)
		if !out.deadline.IsZero() {
			deadline = out.deadline
		}
		_ = c.raw.SetWriteDeadline(deadline)
		c.mu.Unlock()

		if _, err := buffers.WriteTo(c.raw); err != nil {
			c.abandon(out, err)
			return
		}
		c.written(counters)
	}
}

// abandon ends a connection whose queue cannot be written.
func (c *Conn) abandon(out *outbox, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if errors.Is(err, os.ErrDeadlineExceeded) && !c.ending {
		c.shared.stats.ClosedSlow.Add(1)
		c.endLocked(CloseSlow, "reading too slowly", nil)
	} else {
		c.endLocked(CloseLost, "", nil)
	}
	c.shared.stats.QueuedBytes.Add(-int64(out.size()))
	out.head, out.inFlight = nil, 0
	out.clear()
}

// end ends the connection with the given close frame. It reports whether this call ended the connection.
func (c *Conn) end(code uint16, reason string, closing *Frame) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first = !c.ending
	c.endLocked(code, reason, closing)
	return first
}

// endLost ends a connection from which nothing more can be read.
func (c *Conn) endLost() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ending {
		c.endLocked(CloseLost, "", nil)
	}
}

// endLocked ends the connection. closing is nil if no close frame can reach the client.
func (c *Conn) endLocked(code uint16, reason string, closing *Frame) {
	if closing == nil && !c.gone {
		c.gone = true
		_ = netconn.CloseNow(c.raw) // unblocks a write in progress and the goroutine that reads
	}
	if c.ending {
		return
	}
	c.ending, c.code, c.reason = true, code, reason
	if closing == nil {
		return
	}
	_ = c.raw.SetReadDeadline(time.Unix(1, 0)) // wakes the goroutine that reads, which then finishes the connection
	if c.out == nil {
		n, err := c.write(closing.wire)
		switch {
		case err != nil:
			c.gone = true
		case n < len(closing.wire):
			c.startWriter([]*Frame{closing}, n)
			c.boundWrites()
		}
		return
	}
	before := c.out.size()
	if code == CloseSlow {
		c.out.clear()
	}
	c.out.add(closing)
	c.shared.stats.QueuedBytes.Add(int64(c.out.size() - before))
	c.boundWrites()
}

// boundWrites limits the time for writing the waiting frames to closeTimeout.
func (c *Conn) boundWrites() {
	c.out.deadline = c.shared.now().Add(closeTimeout)
	_ = c.raw.SetWriteDeadline(c.out.deadline)
}

// resetCompression makes the next compressed batch refer to no earlier batch.
func (c *Conn) resetCompression() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inflated = inflated{}
}
