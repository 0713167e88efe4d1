package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"roomlog/api"
	"roomlog/cmd/roomlog/cli"
	"roomlog/domain"
	"roomlog/projections"
)

type roomAdd struct {
	Name string `arg:"" help:"Name of the chat room: 1 to 32 characters."`
}

func (roomAdd) Help() string {
	return `Example:

  roomlog room add music

The chat room "demo" exists from the start. Clients address a room by its name or its id. Next: roomlog room list`
}

func (c *roomAdd) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		receipt, err := b.execute(ctx, api.NewChatRoom(b.store, c.Name))
		if err != nil {
			return err
		}
		for _, r := range receipt.Events {
			if e, ok := r.Event.(domain.ChatRoomCreated); ok {
				fmt.Fprintf(sh.Stdout, "room %s: %s\n", e.ChatRoom, e.Name)
			}
		}
		return nil
	})
}

type roomRemove struct {
	reasonFlag `embed:""`
	Room       string `arg:"" help:"Name or id of the chat room, see roomlog room list."`
}

func (roomRemove) Help() string {
	return `The removal is final: clients in the room are notified, and its name can be used again. Its messages stay in the log.

  roomlog room remove music`
}

func (c *roomRemove) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		room, err := b.queries.ChatRoom(ctx, domain.ChatRoomID(c.Room))
		if errors.Is(err, projections.ErrNotFound) {
			room, err = b.queries.ChatRoomByName(ctx, b.store.NameKey(c.Room))
		}
		if errors.Is(err, projections.ErrNotFound) {
			return fmt.Errorf("there is no chat room %s: see roomlog room list", c.Room)
		}
		if err != nil {
			return err
		}
		if _, err := b.execute(ctx, domain.RemoveChatRoom{ChatRoom: room.ID, NameKey: room.NameKey, Reason: c.Reason}); err != nil {
			return err
		}
		_, err = fmt.Fprintf(sh.Stdout, "room %s is removed\n", room.Name)
		return err
	})
}

type roomList struct{}

func (*roomList) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		rooms, err := b.queries.ChatRooms(ctx)
		if err != nil {
			return err
		}
		t := newTable(sh.Stdout, "ID", "NAME", "CREATED")
		for _, r := range rooms {
			t.row(r.ID, r.Name, r.CreatedAt.Format(time.DateTime))
		}
		return t.end("There are no chat rooms. Next: roomlog room add music")
	})
}
