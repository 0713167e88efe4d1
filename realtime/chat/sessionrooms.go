package chat

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"math"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/hub"
)

// Subscribe subscribes the Session to a chat room, or to the public chat. Updates are queued until StartFrom is called.
func (s *Session) Subscribe(room domain.ChatRoomID) {
	s.chat.state.mu.Lock()
	defer s.chat.state.mu.Unlock()
	s.chat.state.subscribers.subscribe(s.subscriber, room)
}

// StartFrom starts a subscription: it delivers the updates whose position is position or later.
func (s *Session) StartFrom(room domain.ChatRoomID, position int64) {
	s.chat.state.mu.Lock()
	defer s.chat.state.mu.Unlock()
	s.subscriber.start(room, position)
}

// pause queues the updates of a subscription. To continue, pass the returned position to StartFrom.
func (s *Session) pause(room domain.ChatRoomID) (since int64) {
	s.chat.state.mu.Lock()
	defer s.chat.state.mu.Unlock()
	return s.subscriber.pause(room)
}

// Unsubscribe ends the subscription to a chat room: its messages are no longer delivered to the connection.
func (s *Session) Unsubscribe(room domain.ChatRoomID) {
	s.chat.state.mu.Lock()
	defer s.chat.state.mu.Unlock()
	s.chat.state.subscribers.unsubscribe(s.subscriber, room)
}

// Subscribed reports whether the Session subscribes to a chat room.
func (s *Session) Subscribed(room domain.ChatRoomID) bool {
	s.chat.state.mu.Lock()
	defer s.chat.state.mu.Unlock()
	return s.subscriber.subscriptions[room] != nil
}

// Join adds the participant to a chat room and returns the position of the join, or 0 if the participant was already in
// the chat room.
func (s *Session) Join(ctx context.Context, room domain.ChatRoomID) (position int64, err error) {
	if err := s.AllowQuery(); err != nil {
		return 0, err
	}
	return s.JoinSubscribed(ctx, room)
}

// JoinSubscribed does the same as Join, for a chat room that the Session already subscribes to. It does not count as a
// query.
func (s *Session) JoinSubscribed(ctx context.Context, room domain.ChatRoomID) (position int64, err error) {
	return s.join(ctx, s.chat.cfg.ClientCommands, room)
}

// join adds the participant to a chat room, with the executor commands.
func (s *Session) join(ctx context.Context, commands hub.Executor, room domain.ChatRoomID) (position int64, err error) {
	receipt, err := s.executeBy(ctx, commands, s.participant.identity, domain.JoinChatRoom{ChatRoom: room, Participant: s.participant.id}, "")
	return receipt.Position, err
}

// LeaveRoom removes the participant from a chat room and ends the subscription. If the command fails, the subscription
// continues.
func (s *Session) LeaveRoom(ctx context.Context, room domain.ChatRoomID) error {
	if err := s.AllowQuery(); err != nil {
		return err
	}
	since := s.pause(room) // a Session does not receive its own leave
	_, err := s.execute(ctx, s.participant.identity, domain.LeaveChatRoom{ChatRoom: room, Participant: s.participant.id}, "")
	if err != nil {
		s.StartFrom(room, since)
		return err
	}
	s.Unsubscribe(room)
	return nil
}

// OpenRoom returns the chat room whose id or name is ref. If there is none, it creates a chat room with the name ref.
func (s *Session) OpenRoom(ctx context.Context, ref string) (projections.ChatRoom, error) {
	c := s.chat
	room, err := c.Room(ctx, ref)
	if r := domain.AsRefusal(err); r == nil || r.Code != domain.CodeChatRoomNotFound || domain.IsChatRoomID(ref) {
		return room, err
	}
	var id [12]byte
	_, _ = rand.Read(id[:]) // rand.Read never fails
	receipt, err := s.execute(ctx, s.participant.identity, domain.CreateChatRoom{
		Name: ref, ChatRoom: domain.ChatRoomID(hex.EncodeToString(id[:])), NameKey: c.NameKey(ref), MaxChatRooms: c.maxChatRooms(),
	}, "")
	position := receipt.Position
	if r := domain.AsRefusal(err); r != nil && r.Code == domain.CodeChatRoomTaken { // another session has created the chat room first
		position, err = c.cfg.Store.Head(ctx)
	}
	if err != nil {
		return room, err
	}
	if err := c.WaitFor(ctx, position); err != nil {
		return room, err
	}
	return c.Room(ctx, ref)
}

// Participants returns up to limit participants of a chat room, oldest first, as of the position of the Session's
// newest command or later.
func (s *Session) Participants(ctx context.Context, room domain.ChatRoomID, limit int) ([]Participant, error) {
	if err := s.AllowQuery(); err != nil {
		return nil, err
	}
	if err := s.chat.WaitFor(ctx, s.newest()); err != nil {
		return nil, err
	}
	s.chat.state.mu.Lock()
	defer s.chat.state.mu.Unlock()
	return s.chat.state.roster.inRoom(room, limit), nil
}

// History returns a page with messages of a chat room or of the public chat, as of the position of the Session's newest
// command or later.
func (s *Session) History(ctx context.Context, room domain.ChatRoomID, w projections.Window) ([]projections.Message, error) {
	if err := s.AllowQuery(); err != nil {
		return nil, err
	}
	if err := s.chat.WaitFor(ctx, s.newest()); err != nil {
		return nil, err
	}
	if room == "" {
		return s.chat.cfg.Queries.PublicMessages(ctx, w)
	}
	return s.chat.cfg.Queries.ChatRoomMessages(ctx, room, w)
}

// maxChatRooms returns the maximum number of chat rooms that users may create in total.
func (c *Chat) maxChatRooms() int {
	if c.cfg.ChatRooms <= 0 {
		return math.MaxInt
	}
	return c.cfg.ChatRooms
}
