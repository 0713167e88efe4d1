package ws

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
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
	Slow        atomic.Int64 // connections that something waits for now
	ClosedSlow  atomic.Int64 // connections closed because their reader was too slow
	Panics      atomic.Int64 // faults of ours caught in a connection

	FlushFrames prometheus.Histogram // frames that one flush of a fan-out joined
	PushSeconds prometheus.Histogram // from the recording of what a frame tells to the end of the flush that wrote it

	mu     sync.Mutex
	closed map[uint16]int64
}

// init makes the histograms.
func (s *Stats) init() {
	s.FlushFrames = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "roomlog_flush_frames", Help: "Frames that one flush to the connections of a room joined.",
		Buckets: prometheus.ExponentialBuckets(1, 2, 10),
	})
	s.PushSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "roomlog_push_seconds", Help: "From the recording of an event until its frame was written to a room.",
		Buckets: prometheus.ExponentialBuckets(0.002, 2, 13),
	})
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
