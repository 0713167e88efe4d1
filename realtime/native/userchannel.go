package native

import (
	"sync"

	"roomlog/realtime/ws"
)

const (
	// maxReplay is the maximum number of missed facts of the user channel that are sent after a hello.
	maxReplay = 500
	// maxUnacked is the maximum number of facts of the user channel that a connection may leave unacknowledged. If a
	// client never sends ack, the server closes the connection.
	maxUnacked = 1000
)

// userChannel sends the facts of a user channel to one connection.
type userChannel struct {
	conn *ws.Conn

	mu      sync.Mutex
	opened  bool
	after   int64      // position up to which the client has every fact
	pending []userFact // facts that wait until the user channel is open
	unacked int
}

// send sends a fact, or queues it until the user channel is open. It closes the connection if too many facts are queued
// or unacknowledged.
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

// open sends the reply to a hello, the missed facts and the queued facts. It skips facts up to position after, which
// the client already has.
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

// hold queues facts until the user channel is opened again. The client then gets the facts after position.
func (u *userChannel) hold(position int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.opened, u.after, u.pending = false, position, nil
}

// discard drops the queued facts and closes the user channel, after a hello that failed.
func (u *userChannel) discard() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.opened, u.after, u.pending, u.unacked = false, 0, nil, 0
}

// acknowledge resets the number of unacknowledged facts.
func (u *userChannel) acknowledge() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.unacked = 0
}
