package media

import (
	"sync"
	"time"
)

// connGroup counts the goroutines that serve connections, so that the server can wait for them. Unlike a
// sync.WaitGroup it refuses new goroutines after drain.
type connGroup struct {
	mu       sync.Mutex
	n        int
	draining bool
	done     chan struct{} // closed when drain was called and no goroutine is left
}

func newConnGroup() *connGroup { return &connGroup{done: make(chan struct{})} }

// enter registers a goroutine and reports whether it may run. If so, the goroutine must call exit at its end.
func (g *connGroup) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.draining {
		return false
	}
	g.n++
	return true
}

func (g *connGroup) exit() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.n--; g.n == 0 && g.draining {
		close(g.done)
	}
}

// drain refuses new goroutines and blocks until the others have ended, but not longer than timeout.
func (g *connGroup) drain(timeout time.Duration) {
	g.mu.Lock()
	if !g.draining {
		g.draining = true
		if g.n == 0 {
			close(g.done)
		}
	}
	g.mu.Unlock()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-g.done:
	case <-timer.C:
	}
}
