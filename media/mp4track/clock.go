package mp4track

// Differences between counted samples and timestamps, in milliseconds.
const (
	maxJitter    = 30  // in ms; a smaller difference between the count and the timestamps is never corrected
	maxDrift     = 100 // a larger difference is corrected immediately
	maxDriftTime = 500 // in ms; after this time a difference between maxJitter and maxDrift is corrected
)

// SampleClock computes the times of audio frames by counting samples. Timestamps in milliseconds are not exact, and
// some players stop if the lengths of parts vary. If frames are missing or arrive twice, the count differs from the
// timestamps: the clock is then set to the timestamp, at once or, if the difference is small, when it persists.
type SampleClock struct {
	rate     int64 // samples per second
	next     int64 // time of the next frame in samples
	last     int64 // time of the newest frame in samples
	drifting int64 // number of samples for which the difference has been larger than maxJitter
	set      bool
}

// NewSampleClock returns a clock for audio with rate samples per second.
func NewSampleClock(rate int) SampleClock { return SampleClock{rate: int64(rate)} }

// Time returns the time of a frame in samples, which is later than that of the frame before. ms is the timestamp of the
// frame in milliseconds, and samples is its length.
func (c *SampleClock) Time(ms, samples int64) int64 {
	at := ms * c.rate / 1000
	drift := max(at-c.next, c.next-at)
	if drift <= c.samples(maxJitter) {
		c.drifting = 0
	}
	first := !c.set
	if first || drift > c.samples(maxDrift) || c.drifting > c.samples(maxDriftTime) {
		c.next, c.drifting, c.set = at, 0, true
	} else if drift > c.samples(maxJitter) {
		c.drifting += samples
	}
	now := c.next
	if !first {
		now = max(now, c.last+1)
	}
	c.last, c.next = now, c.next+samples
	return now
}

func (c *SampleClock) samples(ms int64) int64 { return ms * c.rate / 1000 }
