package ws

import (
	"slices"
	"sync"
)

// phase is what the worker will do next with a shard: nothing, flush it, or wait for the end of the push window.
type phase uint8

const (
	phaseIdle    phase = iota // the next push is flushed immediately
	phaseReady                // the worker will flush it
	phaseCooling              // the shard was flushed within the push window; the worker checks for new frames when the window ends
)

// shard is the part of a fan-out that one worker serves.
type shard struct {
	ready  func(*shard) // adds the shard to the queue of its worker
	stats  *Stats
	writes sync.Mutex // locked while the worker writes; locked before mu

	history history // compression window; guarded by writes

	mu      sync.Mutex
	members map[*Conn]struct{}
	list    []*Conn // the members, for the loop of the worker; a new slice after every change
	stale   bool    // whether list does not match members
	late    []late  // connections that were added while older frames waited, which they must not receive; the next flush makes them members
	waiting []*Frame
	phase   phase
}

// late is a connection that receives only the waiting frames from an index on.
type late struct {
	conn *Conn
	from int
}

func newShard(ready func(*shard), stats *Stats) *shard {
	return &shard{ready: ready, stats: stats, members: make(map[*Conn]struct{})}
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
	if frame.priority == latest {
		s.removeWaiting(frame.key)
	}
	s.waiting = append(s.waiting, frame)
	wake := s.phase == phaseIdle
	if wake {
		s.phase = phaseReady
	}
	s.mu.Unlock()
	if wake {
		s.ready(s)
	}
}

// removeWaiting removes the waiting latest frame with this key, if there is one.
func (s *shard) removeWaiting(key string) {
	i := slices.IndexFunc(s.waiting, func(f *Frame) bool { return f.priority == latest && f.key == key })
	if i < 0 {
		return
	}
	s.waiting = slices.Delete(s.waiting, i, i+1)
	for j := range s.late {
		if s.late[j].from > i {
			s.late[j].from--
		}
	}
	s.stats.Replaced.Add(1)
}

// begin returns the waiting frames and the connections to which they must be written. The shard then collects new
// frames in spare.
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

// endWindow ends the push window. It reports whether frames were pushed during the window.
func (s *shard) endWindow() (more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) > 0 {
		s.phase = phaseReady
		return true
	}
	s.phase = phaseIdle
	return false
}
