package socketio

import (
	"context"
	"encoding/json"
	"fmt"

	"roomlog/domain"
	"roomlog/internal/strictjson"
	"roomlog/realtime/chat"
	"roomlog/realtime/hub"
	"roomlog/realtime/socketio/protocol"
	"roomlog/realtime/ws"
)

// targetTopic is the topic of surveys that find the node of a socket.
const targetTopic = "socketio.target"

// maxTarget is the maximum length of the public id of a socket in bytes.
const maxTarget = 64

// handleExchange posts a message of a socket without a chat room to everybody in its namespace, or to one socket. It
// ignores an event without a target, or with an unknown one. The first message makes the socket enter the chat.
func (s *session) handleExchange(ctx context.Context, e *protocol.Event) error {
	target, payload := targetOf(e)
	if target == "" {
		return nil
	}
	post, err := parseMessage(payload)
	if err != nil {
		return err
	}
	c, err := s.enterToExchange(ctx)
	switch {
	case err != nil:
		return err
	case target != targetRoom:
		return c.sendTo(ctx, target, post)
	}
	if err := hub.Limited(s.toAll.Take(s.cfg.Now())); err != nil {
		return err
	}
	return c.chat.Exchange(ctx, domain.ExchangeMessage{
		Kind: post.Kind, Text: post.Text, DurationMS: post.DurationMS, Namespace: s.socket.Namespace(),
	})
}

// enterToExchange makes a socket without a chat room enter the chat, as the user of the token in its handshake if there
// is one.
func (s *session) enterToExchange(ctx context.Context) (*chatClient, error) {
	c := s.member
	if c == nil {
		c = s.newChatClient(profileExchange)
		c.deliver = c.deliverExchange
	}
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

// deliverExchanged sends a message to the sockets of a namespace on this node, except to that of the author, or to one
// socket.
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

// isConnected reports whether a socket of any node has this public id.
func (c *core) isConnected(ctx context.Context, id string) (bool, error) {
	if len(id) > maxTarget || c.sockets.find(id) != nil {
		return len(id) <= maxTarget, nil
	}
	if alone, err := c.channels.alone(ctx); alone || err != nil {
		return false, err
	}
	request, err := json.Marshal(id)
	if err != nil {
		return false, err
	}
	survey, err := c.cfg.Cluster.Survey(ctx, targetTopic, request)
	if err != nil {
		return false, fmt.Errorf("find a socket: %w", err)
	}
	for _, r := range survey.Replies {
		if string(r.Payload) == "true" {
			return true, nil
		}
	}
	return false, nil
}

// replyTarget replies whether this node has a socket with a public id.
func (c *core) replyTarget(_ context.Context, request []byte) ([]byte, error) {
	var id string
	if err := strictjson.Unmarshal(request, &id); err != nil {
		return nil, fmt.Errorf("read a survey of a target: %w", err)
	}
	return json.Marshal(c.sockets.find(id) != nil)
}
