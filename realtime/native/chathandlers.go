package native

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
	"roomlog/realtime/chat"
)

const (
	chatShown   = 20   // number of messages in the reply to a join
	chatPage    = 100  // maximum number of messages in a reply to chat.history
	chatResumed = 500  // number of missed messages from which on a client gets the newest messages instead
	chatListed  = 1000 // maximum number of participants in a reply to chat.who
)

// chatRoom returns the chat room with the id or name ref. If ref is empty, it returns the zero ChatRoom, which stands
// for the public chat.
func (s *session) chatRoom(ctx context.Context, ref string) (room projections.ChatRoom, err error) {
	if ref == "" {
		return room, nil
	}
	if err := s.inChat().AllowQuery(); err != nil {
		return room, err
	}
	return s.Chat.Room(ctx, ref)
}

// onChatJoin replies with messages of the chat room or of the public chat. Later updates are pushed, without a gap and
// without a repetition.
func (s *session) onChatJoin(ctx context.Context, r request, data chatJoinData) (any, error) {
	room, err := s.chatRoom(ctx, data.Room)
	if err != nil {
		return nil, err
	}
	c := s.inChat()
	again := c.Subscribed(room.ID)
	if err := s.enterChat(ctx, room.ID); err != nil {
		return nil, err
	}
	reply, err := s.chatSince(ctx, room.ID, data.Since)
	if err != nil {
		if !again {
			c.Unsubscribe(room.ID)
		}
		return nil, err
	}
	s.reply(r.ID, s.describeChat(reply, room))
	c.StartFrom(room.ID, reply.Pos+1)
	return nil, nil
}

// describeChat adds the data of the connection and of the chat room to a reply.
func (s *session) describeChat(reply chatJoinReply, room projections.ChatRoom) chatJoinReply {
	reply.Participant, reply.Epoch, reply.Online = s.inChat().Connection(), s.epoch(), s.Chat.Online(room.ID)
	if room.ID != "" {
		reply.Room = &chatRoomInfo{room.ID, room.Name}
	}
	return reply
}

// enterChat makes the user a participant of a chat room and subscribes the connection to it.
func (s *session) enterChat(ctx context.Context, room domain.ChatRoomID) error {
	c := s.inChat()
	c.Unsubscribe(room) // a second join of a chat room starts a new subscription
	c.Subscribe(room)
	var position int64
	var err error
	switch {
	case c.ParticipantID() == 0:
		position, err = c.Enter(ctx, chat.Entry{Identity: s.Identity(), Profile: domain.ProfileNative, Room: room})
	case room != "":
		position, err = c.Join(ctx, room)
	}
	if err == nil {
		err = s.Chat.WaitFor(ctx, position)
	}
	if err != nil {
		c.Unsubscribe(room)
	}
	return err
}

// chatSince returns the messages that a client has missed after a cursor, or the newest messages. It reads them as of
// the position that the hub has delivered.
func (s *session) chatSince(ctx context.Context, room domain.ChatRoomID, since string) (reply chatJoinReply, err error) {
	after, err := s.Store.ParseCursor(ctx, since)
	lost := errors.Is(err, eventstore.ErrCursorLost)
	if err != nil && !lost {
		return reply, err
	}
	if err := s.Hub.WaitFor(ctx, after); err != nil { // the previous node of the client was ahead of this one
		return reply, err
	}
	reply.Pos = s.Hub.Position()
	if reply.Cursor, err = s.Store.Cursor(ctx, reply.Pos); err != nil {
		return reply, err
	}
	if since != "" && !lost {
		missed, err := s.inChat().History(ctx, room, projections.Window{After: after, Before: reply.Pos + 1, OldestFirst: true, Limit: chatResumed})
		if err != nil {
			return reply, err
		}
		if len(missed) < chatResumed {
			reply.Resumed, reply.Messages = true, storedMessages(missed)
			return reply, nil
		}
	}
	newest, err := s.inChat().History(ctx, room, projections.Window{Before: reply.Pos + 1, Limit: chatShown})
	slices.Reverse(newest)
	reply.Messages = storedMessages(newest)
	return reply, err
}

func (s *session) onChatLeave(ctx context.Context, _ request, data chatRoomData) (any, error) {
	room, err := s.chatRoom(ctx, data.Room)
	if err != nil {
		return nil, err
	}
	c := s.inChat()
	if !c.Subscribed(room.ID) {
		return leaveReply{}, nil
	}
	if room.ID == "" {
		c.Unsubscribe("")
		return leaveReply{true}, nil
	}
	return leaveReply{true}, c.LeaveRoom(ctx, room.ID)
}

func (s *session) onChatPost(ctx context.Context, r request, data chatPostData) (any, error) {
	message, err := data.command()
	if err != nil {
		return nil, err
	}
	room, err := s.chatRoom(ctx, data.Room)
	if err != nil {
		return nil, err
	}
	if room.ID != "" {
		message.ChatRooms = []domain.ChatRoomID{room.ID}
	}
	return s.postMessage(ctx, r, message)
}

func (s *session) onChatPrivate(ctx context.Context, r request, data chatPrivateData) (any, error) {
	message, err := data.command()
	if err != nil {
		return nil, err
	}
	switch {
	case (data.User > 0) == (data.Participant != ""):
		return nil, badRequest("name either a user or a participant")
	case data.User > 0:
		message.ToUser = data.User
	default:
		if message.ToParticipant, err = s.Chat.FindByConnection(ctx, data.Participant); err != nil {
			return nil, err
		}
		if message.ToParticipant == 0 {
			return nil, &domain.Refusal{Code: domain.CodeParticipantNotFound, Text: "the participant is not in the chat"}
		}
	}
	return s.postMessage(ctx, r, message)
}

func (s *session) postMessage(ctx context.Context, r request, message domain.PostMessage) (any, error) {
	receipt, err := s.inChat().Post(ctx, message, r.Key)
	if err != nil {
		return nil, err
	}
	return postReplyOf[domain.MessagePosted](receipt)
}

func (s *session) onChatTyping(ctx context.Context, _ request, data chatTypingData) (any, error) {
	room, err := s.chatRoom(ctx, data.Room)
	if err == nil {
		s.inChat().SendTyping(room.ID, data.Participant)
	}
	return noData{}, err
}

func (s *session) onChatWho(ctx context.Context, _ request, data chatRoomData) (any, error) {
	room, err := s.chatRoom(ctx, data.Room)
	if err != nil {
		return nil, err
	}
	participants, err := s.inChat().Participants(ctx, room.ID, chatListed)
	reply := chatWhoReply{Participants: make([]participantInfo, 0, len(participants))}
	for _, p := range participants {
		reply.Participants = append(reply.Participants, participantOf(p))
	}
	return reply, err
}

func (s *session) onChatHistory(ctx context.Context, _ request, data chatHistoryData) (any, error) {
	room, err := s.chatRoom(ctx, data.Room)
	if err != nil {
		return nil, err
	}
	if data.Before < 0 || data.Limit < 0 || data.Limit > chatPage {
		return nil, badRequest(fmt.Sprintf("before must be a position, and limit at most %d", chatPage))
	}
	if data.Limit == 0 {
		data.Limit = chatShown
	}
	found, err := s.inChat().History(ctx, room.ID, projections.Window{Before: data.Before, Limit: data.Limit + 1})
	more := len(found) > data.Limit
	return chatHistoryReply{storedMessages(found[:min(len(found), data.Limit)]), more}, err
}

// onChatNickname changes the nickname of the user, which is the same in all chat rooms and lives.
func (s *session) onChatNickname(ctx context.Context, r request, data chatNicknameData) (any, error) {
	if err := s.inChat().AllowQuery(); err != nil {
		return nil, err
	}
	receipt, err := s.execute(ctx, r, domain.ChangeProfile{Nickname: &data.Nickname})
	if err != nil {
		return nil, err
	}
	return postReplyOf[domain.UserProfileChanged](receipt)
}

// onProfile changes the members of the profile that the request contains.
func (s *session) onProfile(ctx context.Context, r request, data profileData) (any, error) {
	receipt, err := s.execute(ctx, r, domain.ChangeProfile{Nickname: data.Nickname, Avatar: data.Avatar, Age: data.Age})
	return profileReply{receipt.Position}, err
}
