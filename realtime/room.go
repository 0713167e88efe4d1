package realtime

import (
	"slices"
	"sync"

	"roomlog/domain"
	"roomlog/projections"
)

const (
	// maxResume is how many facts a client is sent again; who missed more gets a snapshot.
	maxResume = 500
	// roomMemory is how many facts a room remembers, so that most resumes read nothing.
	roomMemory = maxResume + 12
)

// room is a live that somebody in this process watches.
type room struct {
	live domain.LiveID
	fan  *Fanout
	held int // guarded by hub.mu

	mu     sync.Mutex
	start  int64  // every fact after it is in recent
	last   int64  // position of the newest fact; start before the first
	recent []fact // oldest first
}

// fact is a delta as it went out.
type fact struct {
	pos   int64
	frame *Frame
}

// tell pushes a public delta to everybody in the room.
func (r *room) tell(d projections.Delta) {
	r.mu.Lock()
	defer r.mu.Unlock()
	frame := factFrame(d, r.last)
	r.last = d.Position
	if len(r.recent) == roomMemory {
		r.start = r.recent[0].pos
		r.recent = slices.Delete(r.recent, 0, 1)
	}
	r.recent = append(r.recent, fact{d.Position, frame})
	r.fan.Push(frame)
}

// attach makes c a receiver of the room from a position on, to the fact: it gets opening(to), further frames,
// what the room remembers after that position, up to to, and then everything that comes. It fails if the
// room does not remember everything after that position, or if that is more than a resume sends.
func (r *room) attach(c *Conn, after int64, opening func(to int64) *Frame, further []*Frame) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	first, _ := slices.BinarySearchFunc(r.recent, after, func(f fact, after int64) int {
		if f.pos <= after {
			return -1
		}
		return 1
	})
	missed := r.recent[first:]
	if after < r.start || len(further)+len(missed) > maxResume {
		return false
	}
	frames := append(make([]*Frame, 0, 1+len(further)+len(missed)), opening(max(after, r.last)))
	frames = append(frames, further...)
	for _, f := range missed {
		frames = append(frames, f.frame)
	}
	c.Send(frames...)
	r.fan.Add(c)
	return true
}
