package socketio

import (
	"context"
	"slices"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/realtime/socketio/protocol"
)

// onJoinRoom goes into a room, which is made if there is none of the name.
func (c *chatter) onJoinRoom(ctx context.Context, e *protocol.Event) error {
	name, ok := text(e, 0)
	if !ok {
		return c.told(&domain.Refusal{Code: domain.CodeBadRequest, Text: "a room is a text"})
	}
	if err := c.member.AllowQuery(); err != nil {
		return c.told(err)
	}
	room, err := c.member.OpenRoom(ctx, name, c.v.socket.Session().Address())
	if err != nil {
		return c.told(err)
	}
	if slices.Contains(c.rooms(), room.ID) {
		c.tell("你已经在" + name + "房间了!请不要重复进入!")
		return nil
	}
	c.member.Subscribe(room.ID)
	at := int64(0)
	if c.member.ParticipantID() != 0 {
		if at, err = c.member.Join(ctx, room.ID); err != nil {
			c.member.Unsubscribe(room.ID)
			return c.told(err)
		}
	} else if len(c.rooms()) >= domain.MaxJoinedChatRooms { // as the log says of those with a name
		c.member.Unsubscribe(room.ID)
		return c.told(&domain.Refusal{Code: domain.CodeRateLimited, Text: "too many rooms"})
	}
	c.mu.Lock()
	c.joined = append(c.joined, room)
	c.mu.Unlock()
	c.member.StartFrom(room.ID, at)
	c.v.socket.Emit("joined", name)
	c.tell("你成功进入了" + name + "房间!")
	return nil
}

// onLeaveRoom goes out of a room.
func (c *chatter) onLeaveRoom(ctx context.Context, e *protocol.Event) error {
	name, ok := text(e, 0)
	if !ok {
		return c.told(&domain.Refusal{Code: domain.CodeBadRequest, Text: "a room is a text"})
	}
	key := c.v.door.cfg.Chat.NameKey(name)
	c.mu.Lock()
	i := slices.IndexFunc(c.joined, func(r projections.ChatRoom) bool { return string(r.ID) == name || r.NameKey == key })
	var room projections.ChatRoom
	if i >= 0 {
		room = c.joined[i]
	}
	c.mu.Unlock()
	if i < 0 {
		c.tell("你并不在" + name + "房间,离开个毛!")
		return nil
	}
	if c.member.ParticipantID() == 0 {
		c.member.Unsubscribe(room.ID)
	} else if err := c.member.LeaveRoom(ctx, room.ID); err != nil {
		return c.told(err)
	}
	c.drop(room.ID)
	c.v.socket.Emit("leaved", name)
	c.tell("你已经离开了" + name + "房间!")
	return nil
}

// forget takes the socket out of a room that is no more.
func (c *chatter) forget(room domain.ChatRoomID) {
	go c.v.socket.Session().Do(func() { c.drop(room) }) // after the event that is being handled: it may be about the room
}

// drop takes a room from those that the socket is in.
func (c *chatter) drop(room domain.ChatRoomID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.room.ID == room {
		c.room = projections.ChatRoom{}
	}
	c.joined = slices.DeleteFunc(c.joined, func(r projections.ChatRoom) bool { return r.ID == room })
}
