package engineio

import (
	"sync"

	"roomlog/realtime/ws"
)

// Group sends every frame that is pushed into it to every session that was added to it, over either transport. All
// sessions get the frames in the order in which they were pushed; frames that are sent to one session may overtake them.
type Group struct {
	fanout *ws.Fanout

	mu     sync.Mutex            // lock it before Session.mu
	single map[*Session]struct{} // sessions that are not in fanout
}

// NewGroup returns an empty Group.
func (e *Engine) NewGroup() *Group {
	return &Group{fanout: e.sockets.NewFanout(), single: make(map[*Session]struct{})}
}

// Add adds s to the group. The session receives every frame that is pushed after Add has returned, and no earlier one.
func (g *Group) Add(s *Session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onUpgrade[g] = struct{}{}
	if s.carrier != nil {
		g.fanout.Add(s.carrier.conn)
	} else {
		g.single[s] = struct{}{}
	}
}

// Remove removes s. No pushed frame is sent to s after Remove has returned.
func (g *Group) Remove(s *Session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.onUpgrade, g)
	delete(g.single, s)
	if s.carrier != nil {
		g.fanout.Remove(s.carrier.conn)
	}
}

// Push sends a frame to every session. It does not wait for any of them.
func (g *Group) Push(frame *ws.Frame) {
	g.PushEncoded(func() *ws.Frame { return frame })
}

// PushEncoded sends the frame that encode returns to every session, for a frame that contains public ids. No session
// moves to the fan-out between the call of encode and the push. A session that is upgraded at the same time therefore
// still finds its own id in the frame.
func (g *Group) PushEncoded(encode func() *ws.Frame) {
	g.mu.Lock()
	defer g.mu.Unlock()
	frame := encode()
	g.fanout.Push(frame)
	for s := range g.single {
		s.Send(frame)
	}
}

// upgraded moves a session to the fan-out after its upgrade. Until then it got each frame individually, even if its
// WebSocket was already open.
func (g *Group) upgraded(s *Session, conn *ws.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, in := g.single[s]; !in { // The session was removed before.
		return
	}
	delete(g.single, s)
	g.fanout.Add(conn)
}
