package realtime

import (
	"maps"
	"sync"
	"sync/atomic"
)

// Stats counts what the sockets of a process do. All fields may be read at any time; Closed copies the
// numbers by code.
type Stats struct {
	Open        atomic.Int64 // connections now
	Opened      atomic.Int64 // connections ever
	Refused     atomic.Int64 // requests refused before the upgrade
	FramesIn    atomic.Int64 // frames from clients, control frames and fragments included
	FramesOut   atomic.Int64 // frames handed to connections
	QueuedBytes atomic.Int64 // bytes that wait for slow readers now
	Stalls      atomic.Int64 // times that a socket did not take a write at once
	Dropped     atomic.Int64 // droppable frames that slow readers lost
	Replaced    atomic.Int64 // newest-only frames that never left because a newer one came
	Kicked      atomic.Int64 // connections closed because their reader was too slow
	Panics      atomic.Int64 // faults of ours caught in a connection

	mu     sync.Mutex
	closed map[uint16]int64
}

// CodeOther is the key under which Closed counts the codes that clients made up.
const CodeOther uint16 = 0

// Closed returns how many connections ended with which code. The codes are those of this package and the
// common ones of RFC 6455; whatever else a client sends is counted under CodeOther, so that clients cannot
// grow the map.
func (s *Stats) Closed() map[uint16]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.closed)
}

func (s *Stats) countClosed(code uint16) {
	switch {
	case code >= 1000 && code <= 1015:
	case code == CloseSlow, code == CloseBehind, code == CloseHelloTimeout, code == CloseIdle,
		code == CloseTooMany, code == CloseReplaced, code == CloseTokenInvalid, code == CloseKicked:
	default:
		code = CodeOther
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed == nil {
		s.closed = make(map[uint16]int64)
	}
	s.closed[code]++
}
