package ws

import (
	"net"
	"time"
)

// entryCost is what a waiting frame costs beside its bytes, so that a queue of tiny frames is bounded too.
const entryCost = 64

// entry is a frame that waits, or a mark that stands for frames dropped in a row.
type entry struct {
	frame   *Frame // nil: a mark
	skipped int    // number of frames a mark stands for
	span    Span   // and what they covered
}

// outbox holds what a slow connection has not taken yet. It exists only while there is something to write
// out; Conn.mu guards it.
type outbox struct {
	head    []byte        // the unsent end of a frame that the socket took a part of
	newest  []*Frame      // one per key
	entries []entry       // in the order they were sent
	bytes   int           // what head, newest and entries cost
	flying  int           // what the write under way costs
	granted int           // what it was given at once while idle, as far as that still waits
	endBy   time.Time     // set when the connection ends: no write goes beyond it
	done    chan struct{} // closed when everything is written or given up
}

// size is the memory that waits and flies.
func (o *outbox) size() int { return o.bytes + o.flying }

// start takes over frames of which the socket took the first n bytes.
func (o *outbox) start(frames []*Frame, n int) {
	for i, f := range frames {
		if n < len(f.wire) {
			if n > 0 { // begun: the rest of it must follow whatever its lane is
				o.head = f.wire[n:]
				o.bytes += len(o.head)
				i++
			}
			for _, f := range frames[i:] {
				o.add(f)
			}
			return
		}
		n -= len(f.wire)
	}
}

// add queues f; it says whether f took the place of an older frame with its key.
func (o *outbox) add(f *Frame) (replaced bool) {
	if f.lane != laneNewest {
		o.entries = append(o.entries, entry{frame: f})
		o.bytes += len(f.wire) + entryCost
		return false
	}
	for i, old := range o.newest {
		if old.key == f.key {
			o.newest[i] = f
			o.bytes += len(f.wire) - len(old.wire)
			return true
		}
	}
	o.newest = append(o.newest, f)
	o.bytes += len(f.wire) + entryCost
	return false
}

// shed drops the oldest droppable frames until the size is within limit or none is left, and leaves a mark
// for each run of them. It returns how many it dropped.
func (o *outbox) shed(limit int) (dropped int) {
	kept := o.entries[:0]
	for _, e := range o.entries {
		if e.frame != nil && e.frame.lane == laneDroppable && o.size() > limit {
			o.bytes -= len(e.frame.wire)
			e = entry{skipped: 1, span: e.frame.span}
			dropped++
		}
		if last := len(kept) - 1; last >= 0 && kept[last].joins(e) {
			kept[last].skipped += e.skipped
			kept[last].span.Pos = e.span.Pos
			o.bytes -= entryCost
			continue
		}
		kept = append(kept, e)
	}
	clear(o.entries[len(kept):])
	o.entries = kept
	return dropped
}

// joins says whether two entries are marks of one group, so that one mark can stand for both.
func (e entry) joins(next entry) bool {
	return e.frame == nil && next.frame == nil && e.span.Group == next.span.Group
}

// clear forgets everything that has not begun.
func (o *outbox) clear() {
	o.newest, o.entries, o.bytes = nil, nil, len(o.head)
}

// take moves about limit bytes (at least one frame) from the queue into the air: the rest of a begun frame,
// then the gauges, then the others in their order. Marks are spelled out by skipped, or stay silent if it is
// nil.
func (o *outbox) take(limit int, skipped func(Span, int) []byte) net.Buffers {
	var buffers net.Buffers
	waiting := o.bytes
	n := len(o.head)
	if n > 0 {
		buffers = append(buffers, o.head)
		o.head, o.bytes = nil, o.bytes-n
	}
	for len(o.newest) > 0 && n < limit {
		f := o.newest[0]
		o.newest = o.newest[1:]
		n += len(f.wire)
		buffers = append(buffers, f.wire)
		o.bytes -= len(f.wire) + entryCost
	}
	taken := 0
	for ; taken < len(o.entries) && n < limit; taken++ {
		e := o.entries[taken]
		o.entries[taken] = entry{}
		o.bytes -= entryCost
		f := e.frame
		switch {
		case f != nil:
			o.bytes -= len(f.wire)
		case skipped != nil:
			f = TextFrame(skipped(e.span, e.skipped))
		default:
			continue
		}
		n += len(f.wire)
		buffers = append(buffers, f.wire)
	}
	o.entries = o.entries[taken:]
	o.flying = waiting - o.bytes
	return buffers
}
