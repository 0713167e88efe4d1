package wstest

import (
	"sync"
	"time"
)

// Clock is a clock that a test moves. It is an hour ahead of the system's clock: a deadline of a socket that is computed
// from it never passes, however slow the machine is.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock returns a Clock that stands still until Forward.
func NewClock() *Clock { return &Clock{at: time.Now().Add(time.Hour)} }

// Now returns the time of the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Forward moves the clock.
func (c *Clock) Forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}
