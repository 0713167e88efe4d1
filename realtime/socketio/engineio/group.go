package engineio

import (
	"sync"

	"roomlog/realtime/ws"
)

// Group sends every frame that is pushed into it to every session that was added to it, whatever carries them:
// a room. All sessions get the frames in the order they were pushed; what is sent to one alone may overtake them.
type Group struct {
	fan *ws.Fanout

	mu     sync.Mutex // taken before Session.mu
	single map[*Session]struct{}
}

// NewGroup makes an empty group.
func (e *Engine) NewGroup() *Group {
	return &Group{fan: e.sockets.NewFanout(), single: make(map[*Session]struct{})}
}

// Add makes s a receiver of everything that is pushed after Add returned, and of nothing pushed before.
func (g *Group) Add(s *Session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups[g] = struct{}{}
	if s.carrier != nil {
		g.fan.Add(s.carrier.conn)
	} else {
		g.single[s] = struct{}{}
	}
}

// Remove takes s out: nothing that was pushed is sent to it after Remove returned.
func (g *Group) Remove(s *Session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.groups, g)
	delete(g.single, s)
	if s.carrier != nil {
		g.fan.Remove(s.carrier.conn)
	}
}

// Push sends a frame to every session. It does not wait for any of them.
func (g *Group) Push(frame *ws.Frame) {
	g.PushMade(func() *ws.Frame { return frame })
}

// PushMade is Push for a frame that shows public ids. Between its making and its sending nobody becomes one of many
// who are sent the same, so that who is upgraded meanwhile still finds itself in it.
func (g *Group) PushMade(frameNow func() *ws.Frame) {
	g.mu.Lock()
	defer g.mu.Unlock()
	frame := frameNow()
	g.fan.Push(frame)
	for s := range g.single {
		s.Send(frame)
	}
}

// moved makes a session that was upgraded one of the many that are written to together. Until then it was
// sent to one by one, over its connection too.
func (g *Group) moved(s *Session, to *carrier) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, in := g.single[s]; !in { // removed meanwhile
		return
	}
	delete(g.single, s)
	g.fan.Add(to.conn)
}
