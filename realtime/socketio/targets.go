package socketio

import (
	"context"

	"roomlog/domain"
	"roomlog/realtime/chat"
	"roomlog/realtime/socketio/protocol"
	"roomlog/realtime/ws"
)

// exchanger handles the event exchange of a socket without a chat room.
type exchanger struct {
	*session
	client *chatClient // nil until the socket enters the chat
}

// handle posts a message to everybody in the namespace of the socket, or to one socket. It ignores an event without a
// target, or with an unknown one. The first message makes the socket enter the chat.
func (s *exchanger) handle(ctx context.Context, e *protocol.Event) error {
	target, payload := targetOf(e)
	if target == "" {
		return nil
	}
	post, err := parseMessage(payload)
	if err != nil {
		return err
	}
	c, err := s.enter(ctx)
	switch {
	case err != nil:
		return err
	case target != targetRoom:
		return c.sendTo(ctx, target, post)
	}
	return c.chat.Exchange(ctx, domain.ExchangeMessage{
		Kind: post.Kind, Text: post.Text, DurationMS: post.DurationMS, Namespace: s.socket.Namespace(),
	})
}

// enter makes the socket enter the chat, as the user of the token in its handshake if there is one.
func (s *exchanger) enter(ctx context.Context) (*chatClient, error) {
	if s.client == nil {
		s.client = s.newChatClient(profileExchange)
		s.client.deliver = s.client.deliverExchange
	}
	c := s.client
	c.mu.Lock()
	c.direct = true
	c.mu.Unlock()
	if c.chat.ParticipantID() != 0 {
		return c, nil
	}
	if err := c.chat.AllowQuery(); err != nil {
		return nil, err
	}
	entry := chat.Entry{Profile: domain.ProfileExchange}
	if token := s.socket.Query().Get("token"); token != "" {
		entry.Identity, _ = s.cfg.Hub.Verify(token) // with an invalid token, the participant is anonymous
	}
	_, err := c.chat.Enter(ctx, entry)
	return c, err
}

// deliverExchanged delivers a message of Session.Exchange on this node: to the sockets of its namespace, except that
// of the author, or to the one socket that it is for.
func (c *core) deliverExchanged(u *chat.Update) {
	e := u.Event.(domain.MessageExchanged)
	message := domain.MessagePosted{Kind: e.Kind, Text: e.Text, DurationMS: e.DurationMS}
	if e.ToConnection != "" {
		if k := c.sockets.find(e.ToConnection); k != nil {
			k.Emit(k.ID(), c.exchangeOf(u, message, k.ID()))
		}
		return
	}
	payload := protocol.Payload(e.Namespace, targetRoom, c.exchangeOf(u, message, targetRoom))
	frame := ws.DroppableFrame(payload, ws.Span{})
	for _, k := range c.sockets.list() {
		if k.Namespace() == e.Namespace && !k.HasID(e.Connection) {
			k.Send(frame)
		}
	}
}
