package media

import (
	"time"
)

const rateSpan = 5 // measurements, a second apart, of which a bit rate is the mean

// meter counts what goes through a stream. The stream's lock guards it.
type meter struct {
	frames, bytes uint64
	skips, drops  uint64
	sent          uint64 // to players that have left

	keyed  bool
	keyAt  uint32 // time of the newest key frame
	since  int    // pictures since then, with it
	gop    int    // pictures of the group before it
	gopLen time.Duration

	at    [rateSpan]time.Time // of measurements
	total [rateSpan]uint64    // bytes then
	next  int
}

func (m *meter) frame(f *Frame) {
	m.frames++
	m.bytes += uint64(len(f.tag))
	if !f.video() {
		return
	}
	if f.info.Key {
		if m.keyed {
			m.gop, m.gopLen = m.since, time.Duration(int32(f.time-m.keyAt))*time.Millisecond
		}
		m.keyed, m.keyAt, m.since = true, f.time, 0
	}
	m.since++
}

// restart begins the measure of groups anew: a picture of another publisher is no part of one.
func (m *meter) restart() { m.keyed, m.since = false, 0 }

// measure is called once a second.
func (m *meter) measure(now time.Time) {
	m.at[m.next], m.total[m.next] = now, m.bytes
	m.next = (m.next + 1) % rateSpan
}

// bitrate is in bits a second.
func (m *meter) bitrate(now time.Time) int {
	oldest := m.next
	if m.at[oldest].IsZero() {
		oldest = 0
	}
	span := now.Sub(m.at[oldest])
	if m.at[oldest].IsZero() || span <= 0 {
		return 0
	}
	return int(float64(m.bytes-m.total[oldest]) * 8 / span.Seconds())
}

// Snapshot is what a Server is doing.
type Snapshot struct {
	Time                 time.Time
	Streams              []StreamStats // by key
	Publishers           int
	Players              int
	Connections          int // seats taken
	Pending              int // RTMP connections that want nothing yet
	Refused              uint64
	DroppedNotifications uint64 // of players, that an observer was too slow for
	// Of all streams there ever were:
	FramesIn, BytesIn, BytesOut, Skips, Drops uint64
}

// StreamStats is what a stream is doing.
type StreamStats struct {
	Key        string
	Broadcast  Broadcast // with an empty ID if nothing was published yet
	Publishing bool      // a publisher is there
	Bitrate    int       // of the publisher, in bits a second
	GOP        int       // pictures of a group
	GOPLength  time.Duration
	Players    map[Protocol]int
	FramesIn   uint64
	BytesIn    uint64
	BytesOut   uint64
	Skips      uint64 // that players were taken to a newer key frame
	Drops      uint64 // players that were given up, because they took nothing
}

// stats reads the stream's meter.
func (s *stream) stats(now time.Time) StreamStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := &s.meter
	st := StreamStats{Key: s.key, Broadcast: s.show, Publishing: s.feed != nil && s.show.ID != "", Bitrate: m.bitrate(now),
		GOP: m.gop, GOPLength: m.gopLen, Players: map[Protocol]int{},
		FramesIn: m.frames, BytesIn: m.bytes, BytesOut: m.sent, Skips: m.skips, Drops: m.drops}
	for p := range s.players {
		st.Players[p.client.Protocol]++
		st.BytesOut += p.bytes.Load()
	}
	return st
}
