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

type participantList struct{}

func (*participantList) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		t := newTable(sh.Stdout, "ID", "NAME", "USER", "PROFILE", "CONNECTION", "ROOMS", "SINCE")
		for last := domain.ParticipantID(0); ; {
			participants, err := b.queries.Roster(ctx, last, pageSize)
			if err != nil {
				return err
			}
			for _, p := range participants {
				t.row(p.ID, orDash(p.Name()), p.User.ID, p.Profile, p.Connection, len(p.ChatRooms), p.EnteredAt.Format(time.DateTime))
				last = p.ID
			}
			if len(participants) < pageSize {
				return t.end("The chat has no participants.")
			}
		}
	})
}

type participantForget struct {
	reasonFlag  `embed:""`
	Participant int64 `min:"1" arg:"" help:"Number of the participant in the events participant.entered and message.posted."`
	Yes         bool  `help:"Confirm: the texts cannot be restored."`
}

func (participantForget) Help() string {
	return `Destroys the key of the name and the messages of a participant who was not signed in and has left the chat. The texts of
a signed-in user are erased by roomlog user forget.

  roomlog participant forget 17 --yes`
}

// AfterApply requires --yes, because the texts cannot be restored.
func (c *participantForget) AfterApply() error {
	if !c.Yes {
		return fmt.Errorf("this would erase the texts of participant %d for ever: confirm with --yes", c.Participant)
	}
	return c.reasonFlag.AfterApply()
}

func (c *participantForget) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		receipt, err := b.execute(ctx, domain.ForgetParticipant{Participant: domain.ParticipantID(c.Participant), Reason: c.Reason})
		if err != nil {
			return err
		}
		if err := printDone(sh, receipt, "participant %d is erased", c.Participant); err != nil {
			return err
		}
		return b.rewriteFiles(ctx)
	})
}
