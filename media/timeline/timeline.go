package timeline

import (
	"slices"
	"time"
)

// Limits of a clock that runs as expected, in milliseconds.
const (
	// MaxAhead is the maximum step forward beyond the time that has passed.
	MaxAhead = 2500
	// MaxBack is the maximum step back within a track. Encoders that send frames in presentation order step back.
	MaxBack = 1000
	// MaxSkew is the maximum distance in time between two tracks. Encoders interleave video and audio within a second.
	MaxSkew = 2500
)

const (
	clearStep  = 500 // in ms; a smaller step is jitter and never a reason to compare clocks
	maxPeriod  = 500 // in ms; maximum frame length that is learned from a track
	maxRepeats = 8   // maximum number of equal timestamps in a row; encoders send up to four audio frames with one timestamp
	maxClocks  = 64  // maximum number of tracks with their own clocks; further tracks share the first clock of their kind
)

// Track identifies a track: the kind of its FLV tags and its number among the tracks of that kind.
type Track struct{ Kind, Number byte }

// Timeline converts timestamps of one broadcast, in milliseconds modulo 2^32. The zero value is ready for use. It is not
// safe for concurrent use.
type Timeline struct {
	begun  bool
	fresh  bool // whether the next frame is the first one of another connection
	offset uint32
	clocks map[Track]*clock
	order  []*clock // the clocks: those that have jumped, the newest jump first, then the others in the order of their first frames

	head   int64         // time of the newest frame of the broadcast
	headAt time.Time     // time at which the newest frame arrived
	origin time.Time     // time at which the first frame arrived
	lead   time.Duration // time of the broadcast minus the time since origin, measured on the frames that recently had the least delay
	jumps  uint64
}

// clock is the clock of one track of the encoder.
type clock struct {
	offset  uint32 // number to add to timestamps of the encoder
	jump    uint32 // newest change of offset because of a jump
	in      uint32 // newest timestamp of the encoder
	last    int64  // time of the newest frame in the broadcast
	period  int64  // expected time to the next frame
	repeats int    // number of consecutive frames with the same timestamp
	stopped bool   // whether the clock stands still
}

// Jumps returns the number of times that the clock of a track was set because it had jumped, drifted or stopped.
func (t *Timeline) Jumps() uint64 { return t.jumps }

// Reconnect prepares the timeline for another connection of the encoder, whose clocks may differ.
func (t *Timeline) Reconnect() { t.fresh, t.clocks, t.order = t.begun, nil, nil }

// Resume prepares a timeline without frames to continue, with its first frame, another broadcast whose newest frame has the time
// at and arrived at the time arrived.
func (t *Timeline) Resume(at uint32, arrived time.Time) {
	*t = Timeline{begun: true, fresh: true, head: int64(at), headAt: arrived, origin: arrived, lead: time.Duration(at) * time.Millisecond}
}

// Place converts in, a timestamp of the encoder, to the time in the broadcast. coded is false for headers, which often have
// no useful timestamp and never set a clock. now is the time of arrival.
func (t *Timeline) Place(track Track, in uint32, coded bool, now time.Time) uint32 {
	if !coded {
		return t.placeHeader(track, in, now)
	}
	if !t.begun || t.fresh {
		t.begin(in, now)
	}
	c := t.clock(track, in, now)
	at := t.near(in + c.offset)
	switch {
	case c.standsStill(in, at, t.position(now)):
		at = max(t.position(now), c.last)
		c.offset = uint32(at) - in
	case !t.runs(c, at, now):
		at = t.follow(c, in, now)
	}
	c.advance(in, at)
	t.advance(at, now)
	return uint32(at)
}

// placeHeader places a payload that is not coded media. If the timestamp of the payload is of no use, the payload gets
// the time of the newest frame.
func (t *Timeline) placeHeader(track Track, in uint32, now time.Time) uint32 {
	if !t.begun {
		return in
	}
	if c := t.clocks[track]; c != nil && !t.fresh {
		if at := t.near(in + c.offset); at >= c.last && at <= t.position(now)+clearStep {
			return uint32(at)
		}
	}
	return uint32(t.head)
}

// begin places the first frame of a connection.
func (t *Timeline) begin(in uint32, now time.Time) {
	switch {
	case !t.begun:
		t.head, t.headAt, t.origin, t.lead = int64(in), now, now, time.Duration(in)*time.Millisecond
		t.offset = 0
	default:
		t.offset = uint32(max(t.head+1, t.position(now))) - in
	}
	t.begun, t.fresh, t.clocks, t.order = true, false, make(map[Track]*clock), nil
}

// clock returns the clock of a track. The first frame of a track uses the offset of another track, unless that places
// it too far away.
func (t *Timeline) clock(track Track, in uint32, now time.Time) *clock {
	if c := t.clocks[track]; c != nil {
		return c
	}
	if len(t.clocks) >= maxClocks {
		track.Number = 0
		if c := t.clocks[track]; c != nil {
			return c
		}
	}
	offset := t.offset
	if at := t.near(in + offset); at < t.head-MaxSkew || at > max(t.position(now), t.wall(now))+MaxSkew {
		offset = uint32(t.position(now)) - in
		t.jumps++
	}
	at := t.near(in + offset)
	c := &clock{offset: offset, in: in, last: at}
	t.clocks[track], t.order = c, append(t.order, c)
	return c
}

// runs reports whether a clock runs as expected with a frame at the time at.
func (t *Timeline) runs(c *clock, at int64, now time.Time) bool {
	off := t.distance(c, at, now)
	if off < -MaxBack || off > MaxAhead || at < t.head-MaxSkew {
		return false
	}
	if off >= -clearStep && off <= clearStep {
		return true
	}
	// A small jump may be the jump of another track: both must be treated alike.
	for _, other := range t.order {
		if other != c && other.jump != 0 && c.jump != other.jump {
			if moved := t.distance(c, t.near(uint32(at)+other.jump), now); abs(moved) < abs(off) {
				return false
			}
		}
	}
	return true
}

// distance returns how many milliseconds the time at is before or after the interval in which the next frame of a track
// is expected: from the end of the previous frame to the present, even if earlier frames were delayed.
func (t *Timeline) distance(c *clock, at int64, now time.Time) int64 {
	from := c.last + c.period
	until := max(from, t.position(now), t.wall(now))
	switch {
	case at < from:
		return at - from
	case at > until:
		return at - until
	}
	return 0
}

// follow sets the clock of a track that does not run as expected, and returns the time of its frame. If another track
// jumped before or has a clock that fits, the track follows it, so that both stay in sync. If several fit equally well, it
// follows the one that jumped last.
func (t *Timeline) follow(c *clock, in uint32, now time.Time) int64 {
	best, found := int64(0), false
	consider := func(offset uint32) {
		at := t.near(in + offset)
		off := abs(t.distance(c, at, now))
		if off <= clearStep && at >= t.head-MaxSkew && (!found || off < abs(t.distance(c, best, now))) {
			best, found = at, true
		}
	}
	for _, other := range t.order {
		if other != c {
			consider(c.offset + other.jump)
			consider(other.offset)
		}
	}
	if !found {
		best = c.last + max(1, c.period)
		if position := t.position(now); abs(position-best) > clearStep {
			best = max(position, c.last+1)
		}
	}
	offset := uint32(best) - in
	c.jump, c.offset = offset-c.offset, offset
	at := slices.Index(t.order, c)
	t.order = slices.Insert(slices.Delete(t.order, at, at+1), 0, c)
	t.offset = offset
	t.jumps++
	return best
}

// standsStill reports whether the clock repeats the timestamp in while the broadcast continues. at is the time that the
// frame gets in the broadcast if the clock runs.
func (c *clock) standsStill(in uint32, at, position int64) bool {
	c.stopped = in == c.in && (c.stopped || c.repeats >= maxRepeats && position-at > clearStep)
	return c.stopped
}

// advance stores a frame of the track.
func (c *clock) advance(in uint32, at int64) {
	switch step := at - c.last; {
	case in == c.in:
		c.repeats++
	default:
		c.repeats = 0
		if step > 0 && step <= maxPeriod {
			c.period = step
		}
	}
	c.in, c.last = in, at
}

// advance stores a frame of the broadcast. The lead decays by one percent, so that it follows an encoder whose clock is
// slow.
func (t *Timeline) advance(at int64, now time.Time) {
	if at < t.head {
		return
	}
	lead := time.Duration(at)*time.Millisecond - now.Sub(t.origin)
	t.lead = max(lead, t.lead-time.Duration(at-t.head)*time.Millisecond/100)
	t.head, t.headAt = at, now
}

// position returns the time at which a frame that arrives now belongs. Shortly after a frame it is measured from that
// frame, after a longer silence it is the present.
func (t *Timeline) position(now time.Time) int64 {
	silence := now.Sub(t.headAt).Milliseconds()
	if silence <= clearStep {
		return t.head + max(0, silence)
	}
	return max(t.head, t.wall(now))
}

// wall returns the present in the time of the broadcast, measured from the frames that had no delay.
func (t *Timeline) wall(now time.Time) int64 { return (now.Sub(t.origin) + t.lead).Milliseconds() }

// near returns the time in the broadcast with the given low 32 bits that is nearest to the newest frame.
func (t *Timeline) near(stamp uint32) int64 { return t.head + int64(int32(stamp-uint32(t.head))) }

func abs(n int64) int64 { return max(n, -n) }
