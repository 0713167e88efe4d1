package ws

// Backlog is the queue of frames for a client that polls. It is not safe for concurrent use.
type Backlog struct {
	out    outbox
	limit  int
	shared *shared
}

// NewBacklog returns an empty Backlog with a limit in bytes.
func (s *Server) NewBacklog(limit int) *Backlog { return &Backlog{limit: limit, shared: &s.shared} }

// Add queues frames. If the queue exceeds the limit, it drops droppable frames. It reports false if the queue exceeds
// twice the limit; the caller must then end the Engine.IO session.
func (b *Backlog) Add(frames ...*Frame) bool {
	limit, stats := b.limit, &b.shared.stats
	before := b.out.size()
	for _, f := range frames {
		if b.out.add(f) {
			stats.Replaced.Add(1)
		}
	}
	if b.out.size() > limit {
		stats.Dropped.Add(int64(b.out.drop(limit)))
	}
	stats.QueuedBytes.Add(int64(b.out.size() - before))
	if before > 0 && b.out.size() > 2*limit { // the frames of one Add to an empty backlog may be larger
		stats.ClosedSlow.Add(1)
		return false
	}
	return true
}

// Take removes and returns about limit bytes of frames, in the order in which a slow connection would receive them. If
// any frame waits, it returns at least one.
func (b *Backlog) Take(limit int) []*Frame {
	before := b.out.size()
	var frames []*Frame
	taken, _ := b.out.take(limit, b.shared.skipped) // counters count only what a socket has accepted
	for _, wire := range taken {
		frames = append(frames, &Frame{wire: wire})
	}
	b.out.inFlight = 0
	b.shared.stats.QueuedBytes.Add(int64(b.out.size() - before))
	b.shared.stats.FramesOut.Add(int64(len(frames)))
	return frames
}

// Empty reports whether no frame waits.
func (b *Backlog) Empty() bool { return b.out.size() == 0 }

// Clear drops all waiting frames.
func (b *Backlog) Clear() {
	b.shared.stats.QueuedBytes.Add(-int64(b.out.size()))
	b.out.clear()
}
