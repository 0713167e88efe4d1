package chat

import (
	"context"

	"roomlog/domain"
)

// Restart continues the Session in a new history of the log. If the log has lost the entry into the chat, or joins of
// chat rooms, Restart repeats them; they do not count against the rates of clients. It returns the chat rooms to which
// the Session subscribes. After an error the client must reconnect.
func (s *Session) Restart(ctx context.Context) (rooms []domain.ChatRoomID, err error) {
	if err := s.chat.waitForHead(ctx); err != nil {
		return nil, err
	}
	s.chat.state.mu.Lock()
	for room := range s.subscriber.subscriptions {
		rooms = append(rooms, room)
	}
	s.chat.state.mu.Unlock()
	s.mu.Lock()
	m := s.participant
	s.mu.Unlock()
	if m.id == 0 {
		return rooms, nil
	}
	if id := s.chat.state.idOf(s.Connection()); id != 0 {
		history := s.chat.hub.History() // before the lock: the hub has a lock of its own
		s.mu.Lock()
		s.participant.id, s.participant.history = id, history
		s.mu.Unlock()
	} else {
		m.entry.Identity, m.entry.Nickname = m.identity, m.nickname
		if _, err := s.enter(ctx, s.chat.cfg.Commands, m.entry); err != nil {
			return nil, err
		}
	}
	s.endEntering()
	for _, room := range rooms {
		if room == "" {
			continue
		}
		if _, err := s.join(ctx, s.chat.cfg.Commands, room); err != nil {
			return nil, err
		}
	}
	return rooms, nil
}
