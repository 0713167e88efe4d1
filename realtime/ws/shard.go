package ws

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// phase is the state of a shard.
type phase uint8

const (
	phaseIdle       phase = iota // no frame waits
	phaseCollecting              // frames wait for more; the worker flushes the shard when the push window ends
	phaseReady                   // the worker will flush the shard
)

// schedule contains the push window of a shard, and the functions with which the shard requests flushes.
type schedule struct {
	now     func() time.Time
	window  time.Duration                   // push window; 0 or less: every push is written at once
	flush   func(s *shard)                  // requests a flush
	flushAt func(s *shard, until time.Time) // requests a flush at the end of the push window, unless s is flushed before
	stats   *Stats
}

// shard is the part of a fan-out that one worker serves.
type shard struct {
	schedule *schedule
	writes   sync.Mutex // locked while the worker writes; locked before mu

	compression compressionWindow // guarded by writes

	mu      sync.Mutex
	members map[*Conn]struct{}
	list    []*Conn // the members, for the loop of the worker; a new slice after every change
	stale   bool    // whether list does not match members
	late    []late  // connections that were added while older frames waited, which they must not receive; the next flush makes them members
	waiting []*Frame
	phase   phase
	until   time.Time // end of the push window; set while phase is phaseCollecting
	pace    pace
}

// late is a connection that receives only the waiting frames from an index on.
type late struct {
	conn *Conn
	from int
}

func newShard(worker *schedule) *shard {
	return &shard{schedule: worker, members: make(map[*Conn]struct{})}
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

// push appends a frame to the waiting frames. They are written at once in two cases: nothing was pushed for as long as
// the push window, or as many frames wait as can be expected within the push window. Otherwise they wait for more,
// until the push window of the oldest ends. Latest frames delay no others.
func (s *shard) push(frame *Frame) {
	now, window := s.schedule.now(), s.schedule.window
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.members)+len(s.late) == 0 {
		return
	}
	var enough bool
	if frame.priority == latest {
		s.removeWaiting(frame.key)
		s.waiting = append(s.waiting, frame)
		enough = s.phase == phaseIdle
	} else {
		silence := s.pace.add(now)
		s.waiting = append(s.waiting, frame)
		enough = silence >= window || len(s.waiting) >= s.pace.in(window)
	}
	switch {
	case s.phase == phaseReady:
	case enough:
		s.phase = phaseReady
		s.schedule.flush(s)
	case s.phase == phaseIdle:
		s.phase, s.until = phaseCollecting, now.Add(window)
		s.schedule.flushAt(s, s.until)
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
	s.schedule.stats.Replaced.Add(1)
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
		slices.SortFunc(s.list, func(a, b *Conn) int { return cmp.Compare(a.serial, b.serial) }) // roughly the order in memory, which is faster to read
		s.stale = false
	}
	frames, list, latecomers = s.waiting, s.list, s.late
	s.waiting, s.late = spare, nil
	for _, l := range latecomers {
		s.members[l.conn] = struct{}{}
		s.stale = true
	}
	s.phase = phaseIdle
	return frames, list, latecomers
}

// collects reports whether the push window that ends at until is still open: the frames have not been written earlier.
func (s *shard) collects(until time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phase == phaseCollecting && s.until.Equal(until)
}
