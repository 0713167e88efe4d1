package media

import (
	"sync"
	"time"
)

// crew counts the goroutines that serve connections, so that none outlives the server.
type crew struct {
	mu        sync.Mutex
	n         int
	dismissed bool
	home      chan struct{} // nobody is left, and nobody comes
}

func newCrew() *crew { return &crew{home: make(chan struct{})} }

// join says whether there is still work to do; whoever hears yes leaves afterwards.
func (c *crew) join() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dismissed {
		return false
	}
	c.n++
	return true
}

func (c *crew) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n--; c.n == 0 && c.dismissed {
		close(c.home)
	}
}

// dismiss lets nobody join any more, and waits for those who have to leave, but not longer than patience.
func (c *crew) dismiss(patience time.Duration) {
	c.mu.Lock()
	if !c.dismissed {
		c.dismissed = true
		if c.n == 0 {
			close(c.home)
		}
	}
	c.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-c.home:
	case <-timer.C:
	}
}
