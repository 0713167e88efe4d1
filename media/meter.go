package media

import "time"

const rateSpan = 5 // number of measurements, one per second, over which a bit rate is averaged

// meter counts the traffic of a stream. It is guarded by the lock of the stream.
type meter struct {
	frames, bytes uint64
	ignored       uint64 // number of payloads that players cannot use
	skips, drops  uint64
	sent          uint64 // number of bytes sent to players that have disconnected

	hasKey bool
	keyAt  uint32 // timestamp of the newest key frame
	since  int    // number of pictures since the newest key frame, including it
	gop    int    // number of pictures in the previous group
	gopLen time.Duration

	at    [rateSpan]time.Time // times of the measurements
	total [rateSpan]uint64    // number of bytes at each time in at
	next  int
}

func (m *meter) countFrame(f *Frame) {
	m.frames++
	m.bytes += uint64(len(f.tag))
}

// pushed measures groups of pictures. It is called when a frame has its time in the broadcast.
func (m *meter) pushed(f *Frame) {
	if !f.isCodedVideo() {
		return
	}
	if f.info.Key {
		if m.hasKey {
			m.gop, m.gopLen = m.since, time.Duration(int32(f.time-m.keyAt))*time.Millisecond
		}
		m.hasKey, m.keyAt, m.since = true, f.time, 0
	}
	m.since++
}

// resetGOP restarts the measurement of groups of pictures, because the next picture comes from another publisher.
func (m *meter) resetGOP() { m.hasKey, m.since = false, 0 }

// measure records the current number of bytes. It is called once per second.
func (m *meter) measure(now time.Time) {
	m.at[m.next], m.total[m.next] = now, m.bytes
	m.next = (m.next + 1) % rateSpan
}

// bitrate returns the bit rate in bits per second, averaged over the last 5 s.
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
