package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"roomlog/api"
	"roomlog/domain"
	"roomlog/projections"
)

// firstRoom is the chat room that is there from the start, unless an operator has removed it.
const firstRoom = "demo"

type roomAdd struct {
	Name string `arg:"" help:"What it is called: 1–32 characters."`
}

// Help implements kong.HelpProvider.
func (roomAdd) Help() string {
	return `Examples:

  roomlog room add music

A room "` + firstRoom + `" is there from the start. Clients are in a room by its name or its id. Next: roomlog room list`
}

// Run carries the command out.
func (c *roomAdd) Run(ctx context.Context, g *globals, sh shell) error {
	return g.atDesk(ctx, sh, func(ctx context.Context, d *desk) error {
		receipt, err := d.change(ctx, api.AddRoom(d.store, c.Name))
		if err != nil {
			return err
		}
		for _, r := range receipt.Events {
			if e, ok := r.Event.(domain.ChatRoomCreated); ok {
				fmt.Fprintf(sh.stdout, "room %s: %s\n", e.ChatRoom, e.Name)
			}
		}
		return nil
	})
}

type roomRemove struct {
	Room string `arg:"" help:"Its name or id, see roomlog room list."`
}

// Help implements kong.HelpProvider.
func (roomRemove) Help() string {
	return `For good: clients in it are told, its name is free. What was said in it stays in the log.

  roomlog room remove music`
}

// Run carries the command out.
func (c *roomRemove) Run(ctx context.Context, g *globals, sh shell) error {
	return g.atDesk(ctx, sh, func(ctx context.Context, d *desk) error {
		if err := d.upToDate(ctx); err != nil {
			return err
		}
		room, err := d.queries.ChatRoom(ctx, domain.ChatRoomID(c.Room))
		if errors.Is(err, projections.ErrNotFound) {
			room, err = d.queries.ChatRoomByName(ctx, d.store.NameKey(c.Room))
		}
		if errors.Is(err, projections.ErrNotFound) {
			return fmt.Errorf("there is no room %s, see roomlog room list", c.Room)
		}
		if err != nil {
			return err
		}
		if _, err := d.change(ctx, domain.RemoveChatRoom{ChatRoom: room.ID, NameKey: room.NameKey}); err != nil {
			return err
		}
		fmt.Fprintf(sh.stdout, "room %s is removed\n", room.Name)
		return nil
	})
}

type roomList struct{}

// Run carries the command out.
func (*roomList) Run(ctx context.Context, g *globals, sh shell) error {
	return g.atDesk(ctx, sh, func(ctx context.Context, d *desk) error {
		if err := d.upToDate(ctx); err != nil {
			return err
		}
		rooms, err := d.queries.ChatRooms(ctx)
		if err != nil {
			return err
		}
		t := newTable(sh.stdout, "ID", "NAME", "CREATED")
		for _, r := range rooms {
			t.row(r.ID, r.Name, r.CreatedAt.Format(time.DateTime))
		}
		return t.end("No rooms. Next: roomlog room add music")
	})
}
