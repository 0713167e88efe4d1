package coded

// Clock gives sound its time by counting samples, for what milliseconds say of it wobbles, and players that
// want parts of equal length give up. When the count and the frames' own times drift apart, the frames are
// right.
type Clock struct {
	rate int64
	next int64 // in samples
	set  bool
}

// NewClock is a Clock of sound with so many samples a second.
func NewClock(rate int) Clock { return Clock{rate: int64(rate)} }

// At is the time of a frame of so many samples, which says of itself that it is at so many milliseconds.
func (c *Clock) At(ms, samples int64) int64 {
	said := ms * c.rate / 1000
	if drift := said - c.next; !c.set || drift > c.rate/10 || drift < -c.rate/10 {
		c.next, c.set = said, true
	}
	now := c.next
	c.next += samples
	return now
}
