package socketio

import (
	"context"
	"slices"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/socketio/protocol"
)

// handleJoinRoom joins a chat room, and creates it if there is none with this name.
func (c *chatClient) handleJoinRoom(ctx context.Context, e *protocol.Event) error {
	name, ok := textArgument(e, 0)
	if !ok {
		return badRequest("a room must be a string")
	}
	room, err := c.chat.OpenRoom(ctx, name)
	if err != nil {
		return err
	}
	if slices.Contains(c.rooms(), room.ID) {
		c.sendNews("你已经在" + name + "房间了!请不要重复进入!")
		return nil
	}
	c.chat.Subscribe(room.ID)
	position := int64(0)
	if c.chat.ParticipantID() != 0 {
		if position, err = c.chat.Join(ctx, room.ID); err != nil {
			c.chat.Unsubscribe(room.ID)
			return err
		}
	} else if len(c.rooms()) >= domain.MaxJoinedChatRooms { // for participants, the log checks this
		c.chat.Unsubscribe(room.ID)
		return &domain.Refusal{Code: domain.CodeRateLimited, Text: "too many rooms"}
	}
	c.mu.Lock()
	c.joined = append(c.joined, room)
	c.mu.Unlock()
	c.chat.StartFrom(room.ID, position)
	c.socket.Emit("joined", name)
	c.sendNews("你成功进入了" + name + "房间!")
	return nil
}

// handleLeaveRoom leaves a chat room that the socket has joined.
func (c *chatClient) handleLeaveRoom(ctx context.Context, e *protocol.Event) error {
	name, ok := textArgument(e, 0)
	if !ok {
		return badRequest("a room must be a string")
	}
	room, ok := c.joinedRoom(name)
	if !ok {
		c.sendNews("你并不在" + name + "房间,离开个毛!")
		return nil
	}
	if c.chat.ParticipantID() == 0 {
		c.chat.Unsubscribe(room.ID)
	} else if err := c.chat.LeaveRoom(ctx, room.ID); err != nil {
		return err
	}
	c.removeRoom(room.ID)
	c.socket.Emit("leaved", name)
	c.sendNews("你已经离开了" + name + "房间!")
	return nil
}

// joinedRoom returns the joined chat room with this id or name.
func (c *chatClient) joinedRoom(name string) (projections.ChatRoom, bool) {
	key := c.cfg.Chat.NameKey(name)
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.joined, func(r projections.ChatRoom) bool { return string(r.ID) == name || r.NameKey == key })
	if i < 0 {
		return projections.ChatRoom{}, false
	}
	return c.joined[i], true
}
