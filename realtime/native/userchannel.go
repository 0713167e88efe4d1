package native

import (
	"sync"

	"roomlog/realtime/ws"
)

const (
	// maxReplay is how many facts of the user channel a hello sends again.
	maxReplay = 500
	// maxUnacked is how many facts of the user channel a connection may leave unacknowledged: a client that never
	// sends ack does not handle what it receives.
	maxUnacked = 1000
)

// userChannel is one connection's end of the user channel of its user.
type userChannel struct {
	conn *ws.Conn

	mu      sync.Mutex
	opened  bool
	after   int64      // the client has everything up to here
	pending []userFact // until it is opened
	unacked int
}

// send sends a fact, once the channel is open.
func (u *userChannel) send(f userFact) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case f.pos <= u.after:
	case !u.opened && len(u.pending) < maxUnacked:
		u.pending = append(u.pending, f)
	case !u.opened || u.unacked >= maxUnacked:
		u.conn.Close(ws.CloseBehind, "acknowledge what you receive")
	default:
		u.unacked++
		u.conn.Send(f.frame)
	}
}

// open sends the reply to a hello, then what the client missed, then what happened meanwhile. The client has
// everything up to the position after.
func (u *userChannel) open(reply *ws.Frame, missed []userFact, after int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	frames := []*ws.Frame{reply}
	for _, f := range append(missed, u.pending...) {
		if f.pos > after {
			frames = append(frames, f.frame)
			after = f.pos
		}
	}
	u.opened, u.after, u.pending, u.unacked = true, after, nil, len(frames)-1
	u.conn.Send(frames...)
}

// discard forgets what is pending, after a hello that failed.
func (u *userChannel) discard() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.opened, u.after, u.pending, u.unacked = false, 0, nil, 0
}

// acknowledge lets the client receive more.
func (u *userChannel) acknowledge() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.unacked = 0
}
