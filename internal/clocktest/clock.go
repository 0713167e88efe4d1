package clocktest

import (
	"sync"
	"time"
)

// ahead is the time by which a Clock is ahead of the system's clock. A deadline of a socket that is computed from the
// Clock does not pass during a test.
const ahead = time.Hour

// Clock is a clock that a test moves.
type Clock struct {
	mu    sync.Mutex
	still bool
	at    time.Time     // time of a clock that stands still
	ahead time.Duration // time by which a running clock is ahead
}

// New returns a Clock that moves only when Forward is called.
func New() *Clock { return &Clock{still: true, at: time.Now().Add(ahead)} }

// Running returns a Clock that runs with the system's clock, and that Forward also moves.
func Running() *Clock { return &Clock{ahead: ahead} }

// Now returns the time of the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.still {
		return c.at
	}
	return time.Now().Add(c.ahead)
}

// Forward moves the clock forward.
func (c *Clock) Forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.ahead = c.at.Add(d), c.ahead+d
}
