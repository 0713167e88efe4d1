package ws

import (
	"net"
	"slices"
	"time"
)

// entryCost is the memory of a waiting frame in addition to its bytes. It bounds a queue of tiny frames, too.
const entryCost = 64

// entry is a waiting frame, or a mark in place of consecutive frames that were dropped.
type entry struct {
	frame   *Frame // the frame; nil for a mark
	skipped int    // number of dropped frames that a mark stands for
	span    Span   // joined span that a mark stands for
}

// outbox is the queue of a slow reader. It is not safe for concurrent use; the lock of its owner guards it.
type outbox struct {
	head     []byte         // unsent rest of a frame that the socket has accepted in part
	started  []WriteCounter // counters of the frame whose rest is in head
	latest   []*Frame       // the latest frames, one for each key
	entries  []entry        // the other frames and marks, in the order in which they were sent
	bytes    int            // cost of head, latest and entries
	inFlight int            // cost of the frames that are being written
	granted  int            // bytes of one Send to an empty queue that still wait; the limit does not count them

	stalled  bool          // whether the queue was counted in Stats.Stalls and Stats.Slow
	deadline time.Time     // time at which writes are given up; set when the connection ends
	done     chan struct{} // closed when everything is written, or when writes are given up
}

// size returns the memory in bytes of the frames that wait or are being written.
func (o *outbox) size() int { return o.bytes + o.inFlight }

// start queues frames. The socket has already accepted their first n bytes. start returns the counters of the frames that it has
// accepted completely.
func (o *outbox) start(frames []*Frame, n int) (written []WriteCounter) {
	for i, f := range frames {
		if n < len(f.wire) {
			if n > 0 { // the rest of a frame must follow its beginning, whatever its priority
				o.head, o.started = f.wire[n:], slices.Clip(f.counters)
				o.bytes += len(o.head)
				i++
			}
			for _, f := range frames[i:] {
				o.add(f)
			}
			return written
		}
		n -= len(f.wire)
		written = append(written, f.counters...)
	}
	return written
}

// add queues f. It reports whether f replaced an older frame with its key.
func (o *outbox) add(f *Frame) (replaced bool) {
	if f.priority != latest {
		o.entries = append(o.entries, entry{frame: f})
		o.bytes += len(f.wire) + entryCost
		return false
	}
	for i, old := range o.latest {
		if old.key == f.key {
			o.latest[i] = f
			o.bytes += len(f.wire) - len(old.wire)
			return true
		}
	}
	o.latest = append(o.latest, f)
	o.bytes += len(f.wire) + entryCost
	return false
}

// drop drops droppable frames, the oldest first, until the size is within limit or there are none. It leaves one mark
// in place of consecutive dropped frames. It returns the number of dropped frames.
func (o *outbox) drop(limit int) (dropped int) {
	kept := o.entries[:0]
	for _, e := range o.entries {
		if e.frame != nil && e.frame.priority == droppable && o.size() > limit {
			o.bytes -= len(e.frame.wire)
			e = entry{skipped: 1, span: e.frame.span}
			dropped++
		}
		if last := len(kept) - 1; last >= 0 && kept[last].joins(e) {
			kept[last].skipped += e.skipped
			kept[last].span.Pos, kept[last].span.Cursor = e.span.Pos, e.span.Cursor
			o.bytes -= entryCost
			continue
		}
		kept = append(kept, e)
	}
	clear(o.entries[len(kept):])
	o.entries = kept
	return dropped
}

// joins reports whether e and next are marks for the same group, so that one mark can replace both.
func (e entry) joins(next entry) bool {
	return e.frame == nil && next.frame == nil && e.span.Group == next.span.Group
}

// clear drops everything except the rest of a frame that the socket has accepted in part.
func (o *outbox) clear() {
	o.latest, o.entries, o.bytes = nil, nil, len(o.head)
}

// take removes about limit bytes, and at least one frame, for the next write: first the rest of a frame, then the
// latest frames, then the others in their order. It replaces a mark by the message that skipped returns. If skipped is
// nil, it leaves marks out. take also returns the counters of the frames.
func (o *outbox) take(limit int, skipped func(Span, int) []byte) (buffers net.Buffers, counters []WriteCounter) {
	waiting := o.bytes
	n := len(o.head)
	if n > 0 {
		buffers, counters = append(buffers, o.head), o.started
		o.head, o.started, o.bytes = nil, nil, o.bytes-n
	}
	for len(o.latest) > 0 && n < limit {
		f := o.latest[0]
		o.latest = o.latest[1:]
		n += len(f.wire)
		buffers, counters = append(buffers, f.wire), append(counters, f.counters...)
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
		buffers, counters = append(buffers, f.wire), append(counters, f.counters...)
	}
	o.entries = o.entries[taken:]
	o.inFlight = waiting - o.bytes
	return buffers, counters
}
