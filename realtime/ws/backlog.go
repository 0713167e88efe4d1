package ws

// Backlog holds frames for a client that fetches them now and then, instead of being sent them, within the
// bounds of a slow reader's queue. It is not safe for concurrent use.
type Backlog struct {
	out     outbox
	sockets *Server
}

// NewBacklog makes an empty backlog.
func (s *Server) NewBacklog() *Backlog { return &Backlog{sockets: s} }

// Add queues frames; it answers false when the client fetches too slowly even for what must arrive.
func (b *Backlog) Add(frames ...*Frame) bool {
	limit, stats := b.sockets.queueBytes, &b.sockets.stats
	before := b.out.size()
	for _, f := range frames {
		if b.out.add(f) {
			stats.Replaced.Add(1)
		}
	}
	if b.out.size() > limit {
		stats.Dropped.Add(int64(b.out.shed(limit)))
	}
	stats.QueuedBytes.Add(int64(b.out.size() - before))
	if before > 0 && b.out.size() > 2*limit { // what is queued at once may be larger
		stats.ClosedSlow.Add(1)
		return false
	}
	return true
}

// Take removes about limit bytes of frames, at least one frame if there is any, in the order in which a slow
// connection would get them.
func (b *Backlog) Take(limit int) []*Frame {
	before := b.out.size()
	var frames []*Frame
	for _, wire := range b.out.take(limit, b.sockets.skipped) {
		frames = append(frames, &Frame{wire: wire})
	}
	b.out.flying = 0
	b.sockets.stats.QueuedBytes.Add(int64(b.out.size() - before))
	b.sockets.stats.FramesOut.Add(int64(len(frames)))
	return frames
}

// Empty says that nothing waits.
func (b *Backlog) Empty() bool { return b.out.size() == 0 }

// Clear forgets everything that waits.
func (b *Backlog) Clear() {
	b.sockets.stats.QueuedBytes.Add(-int64(b.out.size()))
	b.out.clear()
}
