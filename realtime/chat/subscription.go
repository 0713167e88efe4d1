package chat

import "roomlog/domain"

// hearing is a connection's place in a room that it hears.
type hearing struct {
	open    bool
	since   int64     // position of the first fact that it is told; what happened before may come late
	waiting []*Update // until it is open
}

// Subscribe has the member hear a room, or the chat of everybody. What happens is kept until StartFrom.
func (m *Session) Subscribe(room domain.ChatRoomID) {
	c := m.chat
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.hearings[room] != nil {
		return
	}
	m.hearings[room] = &hearing{}
	if c.halls[room] == nil {
		c.halls[room] = make(map[*Session]struct{})
	}
	c.halls[room][m] = struct{}{}
}

// StartFrom has the member told what happens in a room that it hears, from a position on.
func (m *Session) StartFrom(room domain.ChatRoomID, position int64) {
	m.chat.mu.Lock()
	defer m.chat.mu.Unlock()
	h := m.hearings[room]
	if h == nil || h.open {
		return
	}
	h.open, h.since = true, position
	for _, f := range h.waiting {
		m.hear(f, room)
	}
	h.waiting = nil
}

// pause keeps what happens in a room until StartFrom, which is given what this answers.
func (m *Session) pause(room domain.ChatRoomID) (since int64) {
	m.chat.mu.Lock()
	defer m.chat.mu.Unlock()
	if h := m.hearings[room]; h != nil {
		h.open, since = false, h.since
	}
	return since
}

// Unsubscribe ends what Hear began.
func (m *Session) Unsubscribe(room domain.ChatRoomID) {
	m.chat.mu.Lock()
	defer m.chat.mu.Unlock()
	m.unhear(room)
}

func (m *Session) unhear(room domain.ChatRoomID) {
	delete(m.hearings, room)
	delete(m.chat.halls[room], m)
	if len(m.chat.halls[room]) == 0 {
		delete(m.chat.halls, room)
	}
}

// Subscribed says whether the member hears a room.
func (m *Session) Subscribed(room domain.ChatRoomID) bool {
	m.chat.mu.Lock()
	defer m.chat.mu.Unlock()
	return m.hearings[room] != nil
}

// hear tells the member a fact, or keeps it; it answers false if that came before the member did.
func (m *Session) hear(f *Update, room domain.ChatRoomID) bool {
	switch h := m.hearings[room]; {
	case h.open && f.Position < h.since:
		return false
	case h.open:
		m.ear.Deliver(f)
	case len(h.waiting) < maxUnopened:
		h.waiting = append(h.waiting, f)
	default:
		m.ear.Reset()
	}
	return true
}
