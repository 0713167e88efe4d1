package feed

import (
	"sync/atomic"
	"time"
)

// markInterval is the time that one mark covers.
const markInterval = 50 * time.Millisecond

// A lead records which events were released before the tables have applied them. Only the goroutine that releases
// deltas uses it, except newest.
type lead struct {
	limit  time.Duration // how far the tables may be behind
	newest atomic.Int64  // position of the newest event that was released early, which the tables may have applied since then
	marks  []mark        // the early releases that the tables have not reached yet, oldest first
}

// A mark records that events up to a position were released at a time or up to markInterval later.
type mark struct {
	position int64
	at       time.Time
}

// add records that the events up to position are about to be released.
func (l *lead) add(position int64, now time.Time) {
	l.newest.Store(position)
	if n := len(l.marks); n > 0 && now.Sub(l.marks[n-1].at) < markInterval {
		l.marks[n-1].position = position
		return
	}
	l.marks = append(l.marks, mark{position, now})
}

// reached records that the tables have applied the events up to position.
func (l *lead) reached(position int64) {
	for len(l.marks) > 0 && l.marks[0].position <= position {
		l.marks = l.marks[1:]
	}
}

// open reports whether the tables lack an event that was released.
func (l *lead) open() bool { return len(l.marks) > 0 }

// tooLong reports whether the tables have lacked an event that was released for longer than the limit.
func (l *lead) tooLong(now time.Time) bool { return l.open() && now.Sub(l.marks[0].at) > l.limit }
