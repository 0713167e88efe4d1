package native

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
	"roomlog/realtime/chat"
	"roomlog/realtime/hub"
	"roomlog/realtime/ws"
)

const (
	chatShown    = 20  // messages that whoever comes is shown
	chatPage     = 100 // messages of a history at once
	chatResumed  = 500 // messages that are too many to be sent to whoever comes back
	chatPresence = 1000
)

// chatVocabulary is what a client can say about the chat.
func chatVocabulary() []verb {
	return []verb{
		heeds("chat.join", false, "enters a chat room, or the chat of everybody, and hears it from now on", chatJoined{}, (*session).onChatJoin),
		heeds("chat.leave", false, "leaves a chat room, or hears everybody no more", left{}, (*session).onChatLeave),
		heeds("chat.post", false, "says something in a chat room, or to everybody", posted{}, (*session).onChatPost),
		heeds("chat.private", false, "says something to one person, or to one connection", posted{}, (*session).onChatPrivate),
		heeds("chat.typing", false, "tells a chat room, or one connection, that you are writing", noData{}, (*session).onChatTyping),
		heeds("chat.who", false, "asks who is in a chat room", chatPeople{}, (*session).onChatWho),
		heeds("chat.history", false, "asks what was said in a chat room, or to everybody", chatHistory{}, (*session).onChatHistory),
		heeds("chat.nickname", false, "says what you are called from now on, everywhere", posted{}, (*session).onChatNickname),
	}
}

// member answers this connection's end in the chat, which speaks with the newest session.
func (s *session) member() *chat.Session {
	if s.chat == nil {
		var id [15]byte
		_, _ = rand.Read(id[:]) // never fails
		s.chat = s.server.chat.NewSession(base64.RawURLEncoding.EncodeToString(id[:]), s, s.server.chat.NewLimits())
	}
	s.chat.SetIdentity(s.Identity())
	return s.chat
}

// Deliver implements chat.Listener.
func (s *session) Deliver(f *chat.Update) {
	if frame := f.Frame("native", func() *ws.Frame { return chatFrame(f) }); frame != nil {
		s.conn.Send(frame)
	}
}

// Typing implements chat.Listener.
func (s *session) Typing(by chat.Participant, room domain.ChatRoomID) {
	s.conn.Send(ws.LatestFrame(encode(chatPush{Type: "chat.typing", Room: room, Data: chatNamedInfo{chatPersonOf(by)}}), "typing "+by.Connection))
}

// chatRoom answers the room that a frame names; without a name the one of everybody.
func (s *session) chatRoom(ctx context.Context, ref string) (room projections.ChatRoom, err error) {
	if ref == "" {
		return room, nil
	}
	if err := s.member().AllowQuery(); err != nil {
		return room, err
	}
	return s.server.chat.Room(ctx, ref)
}

// onChatJoin answers what was said, and lets everything follow that comes after, without a gap or a double.
func (s *session) onChatJoin(ctx context.Context, in inbound, data chatJoinData) (any, error) {
	room, err := s.chatRoom(ctx, data.Room)
	if err != nil {
		return nil, err
	}
	m := s.member()
	again := m.Subscribed(room.ID)
	if err := s.enterChat(ctx, room.ID); err != nil {
		return nil, err
	}
	answer, err := s.chatSince(ctx, room.ID, data.Since)
	if err != nil {
		if !again {
			m.Unsubscribe(room.ID)
		}
		return nil, err
	}
	answer.Guest, answer.Epoch, answer.Online = m.Connection(), s.server.epoch, s.server.chat.Online(room.ID)
	if room.ID != "" {
		answer.Room = &chatRoomInfo{room.ID, room.Name}
	}
	s.conn.Send(ws.TextFrame(encode(outbound{in.ID, "ok", answer})))
	m.StartFrom(room.ID, answer.Pos+1)
	return nil, nil
}

// enterChat makes the person present in a room, and this connection hear it.
func (s *session) enterChat(ctx context.Context, room domain.ChatRoomID) error {
	m := s.member()
	m.Unsubscribe(room) // whoever joins again begins anew
	m.Subscribe(room)
	var at int64
	var err error
	switch {
	case m.ParticipantID() == 0:
		at, err = m.Enter(ctx, chat.Entry{Identity: s.Identity(), Profile: domain.ProfileNative, Room: room})
	case room != "":
		at, err = m.Join(ctx, room)
	}
	if err == nil {
		err = s.server.chat.WaitFor(ctx, at)
	}
	if err != nil {
		m.Unsubscribe(room)
	}
	return err
}

// chatSince answers what a client has missed of a room, or the newest, up to where everybody has been told.
func (s *session) chatSince(ctx context.Context, room domain.ChatRoomID, since *sinceData) (answer chatJoined, err error) {
	answer.Pos = s.server.hub.Position()
	m := s.member()
	if since != nil && since.Epoch == s.server.epoch && 0 <= since.Pos && since.Pos <= answer.Pos {
		missed, err := m.History(ctx, room, projections.Window{After: since.Pos, Before: answer.Pos + 1, OldestFirst: true, Limit: chatResumed})
		if err != nil {
			return answer, err
		}
		if len(missed) < chatResumed {
			answer.Resumed, answer.Messages = true, chatInfos(missed)
			return answer, nil
		}
	}
	newest, err := m.History(ctx, room, projections.Window{Before: answer.Pos + 1, Limit: chatShown})
	slices.Reverse(newest)
	answer.Messages = chatInfos(newest)
	return answer, err
}

func (s *session) onChatLeave(ctx context.Context, _ inbound, data chatRoomData) (any, error) {
	room, err := s.chatRoom(ctx, data.Room)
	if err != nil {
		return nil, err
	}
	m := s.member()
	was := m.Subscribed(room.ID)
	if !was {
		return left{}, nil
	}
	if room.ID == "" {
		m.Unsubscribe("")
		return left{was}, nil
	}
	return left{was}, m.LeaveRoom(ctx, room.ID)
}

func (s *session) onChatPost(ctx context.Context, in inbound, data chatPostData) (any, error) {
	post, err := data.post()
	if err != nil {
		return nil, err
	}
	room, err := s.chatRoom(ctx, data.Room)
	if err != nil {
		return nil, err
	}
	if room.ID != "" {
		post.ChatRooms = []domain.ChatRoomID{room.ID}
	}
	return s.chatPost(ctx, in, post)
}

func (s *session) onChatPrivate(ctx context.Context, in inbound, data chatPrivateData) (any, error) {
	post, err := data.post()
	if err != nil {
		return nil, err
	}
	switch {
	case (data.User > 0) == (data.Guest != ""):
		return nil, hub.NewProblem(domain.CodeBadRequest, "name a user or a guest")
	case data.User > 0:
		post.ToUser = data.User
	default:
		if post.ToParticipant, err = s.server.chat.FindByConnection(ctx, data.Guest); err != nil {
			return nil, err
		}
		if post.ToParticipant == 0 {
			return nil, &domain.Refusal{Code: domain.CodeParticipantNotFound, Text: "the participant is not in the chat"}
		}
	}
	return s.chatPost(ctx, in, post)
}

func (s *session) chatPost(ctx context.Context, in inbound, post domain.PostMessage) (any, error) {
	receipt, err := s.member().Post(ctx, post, in.Key)
	if err != nil {
		return nil, err
	}
	return receiptOf[domain.MessagePosted](receipt)
}

// receiptOf answers where what was accepted is in the log, and its id.
func receiptOf[E domain.Event](receipt eventstore.Receipt) (any, error) {
	for _, r := range receipt.Events {
		if _, ok := r.Event.(E); ok {
			for _, d := range projections.DeltasOf(r) {
				return posted{d.Position, d.ID}, nil
			}
		}
	}
	return nil, fmt.Errorf("a command was accepted at %d without its event", receipt.Position)
}

func (s *session) onChatTyping(ctx context.Context, _ inbound, data chatTypingData) (any, error) {
	room, err := s.chatRoom(ctx, data.Room)
	if err == nil {
		s.member().SendTyping(room.ID, data.Guest)
	}
	return noData{}, err
}

func (s *session) onChatWho(ctx context.Context, _ inbound, data chatRoomData) (any, error) {
	room, err := s.chatRoom(ctx, data.Room)
	if err != nil {
		return nil, err
	}
	people, err := s.member().Participants(ctx, room.ID, chatPresence)
	answer := chatPeople{People: make([]chatPersonInfo, 0, len(people))}
	for _, p := range people {
		answer.People = append(answer.People, chatPersonOf(p))
	}
	return answer, err
}

func (s *session) onChatHistory(ctx context.Context, _ inbound, data chatHistoryData) (any, error) {
	room, err := s.chatRoom(ctx, data.Room)
	if err != nil {
		return nil, err
	}
	if data.Before < 0 || data.Limit < 0 || data.Limit > chatPage {
		return nil, hub.NewProblem(domain.CodeBadRequest, fmt.Sprintf("before is a position, limit %d at most", chatPage))
	}
	if data.Limit == 0 {
		data.Limit = chatShown
	}
	found, err := s.member().History(ctx, room.ID, projections.Window{Before: data.Before, Limit: data.Limit + 1})
	more := len(found) > data.Limit
	return chatHistory{chatInfos(found[:min(len(found), data.Limit)]), more}, err
}

// onChatNickname changes the person's nickname: people who are signed in are called the same everywhere.
func (s *session) onChatNickname(ctx context.Context, in inbound, data chatNicknameData) (any, error) {
	if err := s.member().AllowQuery(); err != nil {
		return nil, err
	}
	profile, err := s.server.hub.Profile(ctx, s.Identity().User)
	if err != nil {
		return nil, err
	}
	receipt, err := s.execute(ctx, in, hub.RateNone, domain.ChangeProfile{Nickname: data.Nickname, Avatar: profile.Avatar})
	if err != nil {
		return nil, err
	}
	return receiptOf[domain.UserProfileChanged](receipt)
}
