package socketio

import (
	"context"
	"encoding/json"

	"roomlog/domain"
	"roomlog/internal/strictjson"
	"roomlog/realtime/chat"
	"roomlog/realtime/socketio/protocol"
)

const (
	targetRoom    = "群聊"  // target of a message to the whole chat room, and the name of its event
	targetMembers = "参加者" // target of the events about joins and leaves
	actionEntered = "加入"
	actionLeft    = "离开"

	maxParticipants = 1000 // maximum number of participants in the response to who
)

// openExchange makes a socket enter the chat room of its handshake.
func (c *chatClient) openExchange() {
	c.deliver = c.deliverExchange
	ctx, cancel := requestContext(c.socket)
	defer cancel()
	err := c.enterRoom(ctx, chat.Entry{Profile: domain.ProfileExchange})
	switch refusal := domain.AsRefusal(err); {
	case err == nil:
	case refusal != nil && refusal.Code == domain.CodeChatRoomNotFound:
		c.disconnectRemoved()
	default:
		c.fail(ctx, err)
	}
}

// disconnectRemoved disconnects a socket whose chat room does not exist or was removed.
func (c *chatClient) disconnectRemoved() {
	c.disconnect(c.socket, denialRemoved, "删除，房间已删除.")
}

// handleExchange posts a message to the chat room or to one socket. It ignores an event without a target, or with an
// unknown one.
func (c *chatClient) handleExchange(ctx context.Context, e *protocol.Event) error {
	target, payload := targetOf(e)
	if target == "" {
		return nil
	}
	post, err := parseMessage(payload)
	switch {
	case err != nil:
		return err
	case target != targetRoom:
		return c.sendTo(ctx, target, post)
	}
	post.ChatRooms = []domain.ChatRoomID{c.room.ID}
	_, err = c.chat.Post(ctx, post, "")
	return err
}

// sendTo posts a private message to the socket whose public id is target. It ignores a target that is not a socket.
func (c *chatClient) sendTo(ctx context.Context, target string, post domain.PostMessage) (err error) {
	post.ToParticipant, err = c.findParticipant(ctx, target)
	switch {
	case err != nil:
		return err
	case post.ToParticipant == 0: // the socket is not in the chat
		connected, err := c.isConnected(ctx, target)
		if err != nil || !connected {
			return err
		}
		return c.chat.Exchange(ctx, domain.ExchangeMessage{Kind: post.Kind, Text: post.Text, DurationMS: post.DurationMS, ToConnection: target})
	}
	_, err = c.chat.Post(ctx, post, "")
	if refusal := domain.AsRefusal(err); refusal != nil && refusal.Code == domain.CodeParticipantNotFound {
		return nil
	}
	return err
}

// targetOf returns the target of an event, or "" if there is none, and the payload.
func targetOf(e *protocol.Event) (target string, payload json.RawMessage) {
	var request struct {
		Target  json.RawMessage `json:"target"`
		Payload json.RawMessage `json:"payload"`
	}
	if e.Argument(0, &request) != nil || json.Unmarshal(request.Target, &target) != nil {
		return "", nil
	}
	return target, request.Payload
}

// findParticipant returns the participant with the socket whose public id is target, or 0 if there is none.
func (c *chatClient) findParticipant(ctx context.Context, target string) (domain.ParticipantID, error) {
	if err := c.chat.AllowQuery(); err != nil {
		return 0, err
	}
	return c.cfg.Chat.FindByConnection(ctx, c.aliases.logged(target))
}

// parseMessage decodes the payload of a message.
func parseMessage(raw json.RawMessage) (domain.PostMessage, error) {
	var m messageDTO
	if strictjson.Unmarshal(raw, &m) != nil {
		return domain.PostMessage{}, badRequest("payload must be an object with msg, sticker or voice")
	}
	switch {
	case m.Msg != nil:
		return domain.PostMessage{Kind: domain.MessageText, Text: *m.Msg}, nil
	case m.Voice != nil:
		return domain.PostMessage{Kind: domain.MessageVoice, Text: m.Voice.URL, DurationMS: m.Voice.MS}, nil
	}
	return domain.PostMessage{Kind: domain.MessageSticker, Text: m.Sticker}, nil
}

// messageOf returns the payload of a message that was posted.
func messageOf(e domain.MessagePosted) messageDTO {
	switch e.Kind {
	case domain.MessageSticker:
		return messageDTO{Sticker: e.Text}
	case domain.MessageVoice:
		return messageDTO{Voice: &voiceDTO{e.Text, e.DurationMS}}
	}
	return messageDTO{Msg: &e.Text}
}

func (c *chatClient) handleNickname(ctx context.Context, e *protocol.Event) error {
	name, ok := textArgument(e, 0)
	if !ok {
		return badRequest("nickname must be a string")
	}
	return c.chat.SetNickname(ctx, name)
}

// handleTyping sends a typing note of this participant to the chat room or to one socket.
func (c *chatClient) handleTyping(_ context.Context, e *protocol.Event) error {
	switch target, _ := targetOf(e); target {
	case "":
	case targetRoom:
		c.chat.SendTyping(c.room.ID, "")
	default:
		c.chat.SendTyping("", c.aliases.logged(target))
	}
	return nil
}

// handleWho acknowledges the event with the participants of the chat room.
func (c *chatClient) handleWho(ctx context.Context, e *protocol.Event) error {
	if !e.WantsAck() {
		return nil
	}
	found, err := c.chat.Participants(ctx, c.room.ID, maxParticipants)
	if err != nil {
		return err
	}
	list := make([]participantDTO, 0, len(found))
	for _, p := range found {
		list = append(list, participantDTO{c.aliases.public(p.Connection), p.Name()})
	}
	e.Acknowledge(list)
	return nil
}

// deliverExchange sends an update of the chat room.
func (c *chatClient) deliverExchange(u *chat.Update) {
	switch e := u.Event.(type) {
	case domain.ChatRoomJoined:
		c.push(u, "entered room", func() []byte { return c.encodeParticipants(u, actionEntered, "已加入.") })
	case domain.ChatRoomLeft:
		c.push(u, "left room", func() []byte { return c.encodeParticipants(u, actionLeft, "已离开.") })
	case domain.ChatRoomRemoved:
		c.disconnectRemoved()
	case domain.MessagePosted:
		switch {
		case e.ToParticipant != 0: // the event has the id of the receiving socket as its name
			c.socket.Emit(c.socket.ID(), c.exchangeOf(u, e, c.socket.ID()))
		case !c.own(u):
			c.push(u, "exchange", func() []byte { return c.socket.Payload(targetRoom, c.exchangeOf(u, e, targetRoom)) })
		}
	}
}

func (c *chatClient) encodeParticipants(u *chat.Update, action, verb string) []byte {
	clients := make([]string, 0, len(u.Connections))
	for _, id := range u.Connections {
		clients = append(clients, c.aliases.public(id))
	}
	by := c.aliases.public(u.By.Connection)
	return c.socket.Payload("online", participantsDTO{clients, action, targetMembers, "用户(" + by + ")" + verb})
}

func (c *core) exchangeOf(u *chat.Update, e domain.MessagePosted, target string) exchangeDTO {
	return exchangeDTO{
		exchangeMetaDTO{u.RecordedAt.UnixMilli(), c.aliases.public(u.By.Connection), target},
		exchangeDataDTO{"exchange", messageOf(e)},
	}
}
