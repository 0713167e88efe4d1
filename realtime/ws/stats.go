package ws

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Stats contains the counters of a server. All fields may be read at any time.
type Stats struct {
	Open        atomic.Int64 // connections that are open
	Opened      atomic.Int64 // connections since the start
	Refused     atomic.Int64 // requests refused before the upgrade
	FramesIn    atomic.Int64 // frames from clients, including control frames and fragments
	FramesOut   atomic.Int64 // frames that were passed to connections
	QueuedBytes atomic.Int64 // bytes that are waiting for slow readers
	Stalls      atomic.Int64 // writes that the socket accepted only in part; with TLS, writes during which more frames came
	Dropped     atomic.Int64 // droppable frames that were dropped for slow readers
	Replaced    atomic.Int64 // latest frames that were replaced by newer ones before they were sent
	Slow        atomic.Int64 // connections whose queue waits for a slow reader now
	ClosedSlow  atomic.Int64 // connections closed because their reader was too slow
	Panics      atomic.Int64 // panics that were caught in a connection

	FlushFrames prometheus.Histogram // number of frames that one flush of a fan-out joined
	PushSeconds prometheus.Histogram // time from recorded_at of an event until its frame was written to a fan-out

	mu     sync.Mutex
	closed map[uint16]int64
}

func (s *Stats) init() {
	s.FlushFrames = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "roomlog_flush_frames", Help: "Frames that one flush to the connections of a live joined.",
		Buckets: prometheus.ExponentialBuckets(1, 2, 10),
	})
	s.PushSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "roomlog_push_seconds", Help: "Time from the recording of an event until its frame was written to the connections of a live.",
		Buckets: prometheus.ExponentialBuckets(0.002, 2, 13),
	})
}

// CodeOther is the key under which Closed counts codes that are not known to the package.
const CodeOther uint16 = 0

// Closed returns the number of connections that ended with each code. Codes that are not in this package or RFC 6455
// are counted together under CodeOther, so that clients cannot make the map grow.
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
