package restream

import (
	"sync"
	"time"
)

// Status is the state of the connection to a target.
type Status string

// The states.
const (
	Connecting Status = "connecting" // the first connection is being made
	Live       Status = "live"       // the target receives the broadcast
	Failed     Status = "failed"     // the last connection has failed; another one follows
)

// State describes the pushing of a broadcast to one target.
type State struct {
	Name       string
	Status     Status
	Reason     string    // why the last connection has failed, for people; contains no secret
	Since      time.Time // time of the last change of Status
	Bytes      uint64    // number of bytes that the target has accepted
	Reconnects uint64    // number of connections after the first one
	Skips      uint64    // number of times that the target was too slow and was moved to a newer key frame
}

// Stats contains the counters of a Pusher.
type Stats struct {
	Live, Failed int    // numbers of targets that receive a broadcast, and of targets whose last connection has failed
	Bytes        uint64 // number of bytes that targets have accepted
	Failures     uint64 // number of connections that were refused, could not be made or were lost
	Skips        uint64 // number of times that a slow target was moved to a newer key frame
}

// tracker holds the state of one target and adds to the counters of the Pusher.
type tracker struct {
	now   func() time.Time
	total *counters

	mu    sync.Mutex
	state State
}

// counters are the counters of all targets that a Pusher has had.
type counters struct {
	mu sync.Mutex
	Stats
}

func (t *tracker) get() State {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state
}

// set sets the status. A status that repeats keeps its time.
func (t *tracker) set(to Status, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state.Status != to {
		t.state.Status, t.state.Since = to, t.now()
	}
	t.state.Reason = reason
}

func (t *tracker) reconnecting() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state.Reconnects++
}

func (t *tracker) failed() {
	t.total.mu.Lock()
	defer t.total.mu.Unlock()
	t.total.Failures++
}

// sent adds bytes that the target has accepted, and skips.
func (t *tracker) sent(bytes int, skips uint64) {
	t.mu.Lock()
	t.state.Bytes += uint64(bytes)
	t.state.Skips += skips
	t.mu.Unlock()
	t.total.mu.Lock()
	t.total.Bytes += uint64(bytes)
	t.total.Skips += skips
	t.total.mu.Unlock()
}
