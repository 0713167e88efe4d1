package hls

// soundClock gives sound its time by counting samples, for what milliseconds say of it wobbles, and
// players that want parts of equal length give up. When the count and the frames' own times drift apart,
// the frames are right.
type soundClock struct {
	rate int64
	next int64 // in samples
	set  bool
}

// at is the time of a frame of so many samples, which says of itself that it is at so many milliseconds.
func (c *soundClock) at(ms, samples int64) int64 {
	said := ms * c.rate / 1000
	if drift := said - c.next; !c.set || drift > c.rate/10 || drift < -c.rate/10 {
		c.next, c.set = said, true
	}
	now := c.next
	c.next += samples
	return now
}
