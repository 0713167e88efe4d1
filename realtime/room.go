package realtime

import (
	"slices"
	"sync"
	"time"

	"roomlog/domain"
	"roomlog/projections"

	"roomlog/realtime/ws"
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
	fan  *ws.Fanout
	held int // guarded by hub.mu

	crowd    int           // people above which their coming and going is summed up; below 0: never
	interval time.Duration // between two sums

	mu     sync.Mutex
	online int64   // people, as the newest gauges say; 0: none were told yet
	bustle *bustle // gathered behind last, not told yet; nil: nothing
	start  int64   // every fact after it is in recent
	last   int64   // nothing happened after it but what is in recent; its newest, if there is one
	recent []fact  // oldest first
}

// fact is a delta as it went out, or several that one frame stands for.
type fact struct {
	pos, prev int64
	frame     *ws.Frame
}

// tell pushes a public delta to everybody in the room.
func (r *room) tell(d projections.Delta) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if (d.Kind == projections.KindJoin || d.Kind == projections.KindLeave) && r.crowded() {
		r.gather(d)
		return
	}
	r.sumUp()
	r.push(d.Position, factFrame(d, r.last))
}

// push sends the frame of a fact, or of several up to pos, to everybody and remembers it.
func (r *room) push(pos int64, frame *ws.Frame) {
	f := fact{pos, r.last, frame}
	r.last = f.pos
	if len(r.recent) == roomMemory {
		r.start = r.recent[0].pos
		r.recent = slices.Delete(r.recent, 0, 1)
	}
	r.recent = append(r.recent, f)
	r.fan.Push(f.frame)
}

// opening is what a connection is told first when it is attached.
type opening struct {
	answer  func(to int64) *ws.Frame // everything up to to is said before anything else is
	further []*ws.Frame              // sent behind it
	have    int64                    // position of the newest fact that the client knows then
	upTo    int64                    // nothing happened between have and upTo
}

// attach makes c a receiver of the room: it gets the opening, what the room remembers after it, and then
// everything that comes, each behind what it knows. It fails if the room does not remember everything that
// has to follow the opening, or if that is more than a resume sends.
func (r *room) attach(c *ws.Conn, o opening) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sumUp() // c is not to be told what it knows
	missed := r.recent
	for len(missed) > 0 && missed[0].pos <= o.upTo {
		missed = missed[1:]
	}
	switch {
	case o.upTo < r.start, len(o.further)+len(missed) > maxResume:
		return false
	case len(missed) > 0 && missed[0].prev > o.have:
		return false
	case len(r.recent) == 0 && r.last > o.have:
		r.last = o.have // the room has learned what was before it
	}
	frames := append(make([]*ws.Frame, 0, 1+len(o.further)+len(missed)), o.answer(max(o.upTo, r.last)))
	frames = append(frames, o.further...)
	for _, f := range missed {
		frames = append(frames, f.frame)
	}
	c.Send(frames...)
	r.fan.Add(c)
	return true
}
