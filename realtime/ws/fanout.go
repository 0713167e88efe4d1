package ws

// Fanout sends every frame that is pushed into it to every connection that was added to it. It has no goroutine: the
// workers of its Server write. There is one worker for each core, and each serves a part of the connections.
//
// While few frames are pushed, each is written at once. The more frames are pushed, the more of them are joined into
// one write: as many as can be expected within the push window. No frame waits longer than the push window.
//
// All connections receive the frames in the order in which they were pushed, except slow readers: their outbox sends
// the latest frames first and may drop droppable ones.
type Fanout struct {
	shards []*shard
}

// NewFanout returns an empty Fanout.
func (s *Server) NewFanout() *Fanout {
	f := &Fanout{}
	for _, worker := range s.workers {
		f.shards = append(f.shards, newShard(&worker.schedule))
	}
	return f
}

// Add adds c. It receives every frame that is pushed after Add has returned, and no frame that was pushed before.
func (f *Fanout) Add(c *Conn) {
	if c.compresses {
		c.resetCompression() // the connection may have been a member before and have missed frames since then
	}
	f.shardOf(c).add(c)
}

// Remove removes c. No pushed frame is sent to c after Remove has returned.
func (f *Fanout) Remove(c *Conn) { f.shardOf(c).remove(c) }

// Len returns the number of connections.
func (f *Fanout) Len() (n int) {
	for _, s := range f.shards {
		n += s.len()
	}
	return n
}

// Push sends frame to every connection. It does not wait for any of them.
func (f *Fanout) Push(frame *Frame) {
	for _, s := range f.shards {
		s.push(frame)
	}
}

func (f *Fanout) shardOf(c *Conn) *shard { return f.shards[int(c.serial)%len(f.shards)] }
