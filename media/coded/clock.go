package coded

// SampleClock gives sound its time by counting samples, for what milliseconds say of it wobbles, and players that
// want parts of equal length give up. When the count and the frames' own times drift apart, the frames are
// right.
type SampleClock struct {
	rate int64
	next int64 // in samples
	set  bool
}

// NewSampleClock is a Clock of sound with so many samples a second.
func NewSampleClock(rate int) SampleClock { return SampleClock{rate: int64(rate)} }

// Time is the time of a frame of so many samples, which says of itself that it is at so many milliseconds.
func (c *SampleClock) Time(ms, samples int64) int64 {
	said := ms * c.rate / 1000
	if drift := said - c.next; !c.set || drift > c.rate/10 || drift < -c.rate/10 {
		c.next, c.set = said, true
	}
	now := c.next
	c.next += samples
	return now
}
