package ws

import (
	"slices"
	"sync"
)

// Fanout sends every frame that is pushed into it to every connection that was added to it: a room, in one
// dialect. It owns no goroutine: the workers of its Sockets do the writing, one for each core, each for its
// share of the connections.
//
// The first frame after a silence leaves at once; then one flush in each flush window joins what waits into
// one write. All connections get the frames in the order they were pushed.
type Fanout struct {
	shards []*shard
}

// NewFanout makes an empty fan-out.
func (s *Server) NewFanout() *Fanout {
	f := &Fanout{}
	for _, worker := range s.workers {
		f.shards = append(f.shards, &shard{worker: worker, members: make(map[*Conn]struct{})})
	}
	return f
}

// Add makes c a receiver of everything that is pushed after Add returned, and of nothing pushed before.
func (f *Fanout) Add(c *Conn) {
	if c.packs {
		c.forgetPacked() // it may have been here before, and missed something
	}
	f.shardOf(c).add(c)
}

// Remove takes c out: nothing that was pushed is sent to it after Remove returned.
func (f *Fanout) Remove(c *Conn) { f.shardOf(c).remove(c) }

// Len is the number of connections.
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

// phase is what a shard's worker does about it.
type phase uint8

const (
	phaseIdle    phase = iota // nothing: the next push is to be flushed at once
	phaseReady                // will flush it
	phaseCooling              // flushed it just now; looks again when the window is over
)

// shard is one worker's share of a fan-out.
type shard struct {
	worker *flusher
	writes sync.Mutex // held while the worker writes; taken before mu
	memory memory     // guarded by writes

	mu      sync.Mutex
	members map[*Conn]struct{}
	list    []*Conn // the members as the worker walks them; a new slice for every change
	stale   bool    // list is to be made anew
	late    []late  // added while frames wait that they must not get; members from the next flush on
	waiting []*Frame
	phase   phase
}

// late is a connection that gets what waits from index from on.
type late struct {
	conn *Conn
	from int
}

func (s *shard) add(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, in := s.members[c]; in || s.isLate(c) {
		return
	}
	if len(s.waiting) > 0 {
		s.late = append(s.late, late{c, len(s.waiting)})
		return
	}
	s.members[c] = struct{}{}
	s.stale = true
}

func (s *shard) isLate(c *Conn) bool {
	return slices.ContainsFunc(s.late, func(l late) bool { return l.conn == c })
}

func (s *shard) remove(c *Conn) {
	s.writes.Lock()
	defer s.writes.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late = slices.DeleteFunc(s.late, func(l late) bool { return l.conn == c })
	if _, in := s.members[c]; in {
		delete(s.members, c)
		s.stale = true
	}
}

func (s *shard) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.members) + len(s.late)
}

func (s *shard) push(frame *Frame) {
	s.mu.Lock()
	if len(s.members)+len(s.late) == 0 {
		s.mu.Unlock()
		return
	}
	if frame.lane == laneNewest {
		s.forget(frame.key)
	}
	s.waiting = append(s.waiting, frame)
	wake := s.phase == phaseIdle
	if wake {
		s.phase = phaseReady
	}
	s.mu.Unlock()
	if wake {
		s.worker.enqueue(s)
	}
}

// forget takes out the waiting frame with this key, if there is one.
func (s *shard) forget(key string) {
	i := slices.IndexFunc(s.waiting, func(f *Frame) bool { return f.lane == laneNewest && f.key == key })
	if i < 0 {
		return
	}
	s.waiting = slices.Delete(s.waiting, i, i+1)
	for j := range s.late {
		if s.late[j].from > i {
			s.late[j].from--
		}
	}
	s.worker.stats.Replaced.Add(1)
}

// begin hands everything that waits to the worker, and takes spare to gather what comes next.
func (s *shard) begin(spare []*Frame) (frames []*Frame, list []*Conn, latecomers []late) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stale {
		s.list = make([]*Conn, 0, len(s.members))
		for c := range s.members {
			s.list = append(s.list, c)
		}
		s.stale = false
	}
	frames, list, latecomers = s.waiting, s.list, s.late
	s.waiting, s.late = spare, nil
	for _, l := range latecomers {
		s.members[l.conn] = struct{}{}
		s.stale = true
	}
	s.phase = phaseCooling
	return frames, list, latecomers
}

// rest says that the window is over; the answer is whether frames came meanwhile.
func (s *shard) rest() (more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) > 0 {
		s.phase = phaseReady
		return true
	}
	s.phase = phaseIdle
	return false
}
