package mp4track

// SampleClock computes the times of audio frames by counting samples. Timestamps in milliseconds are not exact, and
// some players stop if the lengths of parts vary. If the count differs from the timestamps by more than 100 ms, the
// clock is set to the timestamp.
type SampleClock struct {
	rate int64 // samples per second
	next int64 // time of the next frame in samples
	set  bool
}

// NewSampleClock returns a clock for audio with rate samples per second.
func NewSampleClock(rate int) SampleClock { return SampleClock{rate: int64(rate)} }

// Time returns the time of a frame in samples. ms is the timestamp of the frame in milliseconds, and samples is its
// length.
func (c *SampleClock) Time(ms, samples int64) int64 {
	at := ms * c.rate / 1000
	if drift := at - c.next; !c.set || drift > c.rate/10 || drift < -c.rate/10 {
		c.next, c.set = at, true
	}
	now := c.next
	c.next += samples
	return now
}
