package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"roomlog/domain"
	"roomlog/realtime"
)

type kickCommand struct {
	User       int64  `xor:"whom" required:"" placeholder:"ID" help:"Every connection in this person's name."`
	Connection string `xor:"whom" required:"" placeholder:"ID" help:"This connection, see roomlog sockets."`
	Reason     string `placeholder:"TEXT" help:"Told the client: at most 100 characters."`
}

// Help implements kong.HelpProvider.
func (kickCommand) Help() string {
	return `Examples:

  roomlog kick --user 12 --reason "no advertising, please"
  roomlog kick --connection 3f2a91c0-41

Takes effect on every server process at once. The client is told why and stays away by itself; who connects again is
let in: see roomlog deny.`
}

// Run carries the command out.
func (c *kickCommand) Run(ctx context.Context, g *globals, sh shell) error {
	return g.atDesk(ctx, sh, func(ctx context.Context, d *desk) error {
		if c.Connection == "" {
			if _, err := d.change(ctx, domain.KickUser{User: domain.UserID(c.User), Reason: c.Reason}); err != nil {
				return err
			}
			fmt.Fprintf(sh.stdout, "user %d is put out\n", c.User)
			return nil
		}
		id := domain.ConnectionID(c.Connection)
		roll, err := realtime.SurveyConnections(ctx, d.store, realtime.SurveyRequest{ID: id})
		switch {
		case err != nil:
			return err
		case roll.Total == 0 && roll.Answered == roll.Nodes:
			return fmt.Errorf("there is no connection %s: see roomlog sockets", id)
		}
		if _, err := d.change(ctx, domain.KickConnection{Connection: id, Reason: c.Reason}); err != nil {
			return err
		}
		fmt.Fprintf(sh.stdout, "connection %s is put out\n", id)
		return nil
	})
}

type socketsCommand struct {
	User int64 `placeholder:"ID" help:"Only those in this person's name."`
	Live int64 `placeholder:"ID" help:"Only those in this room."`
}

// Help implements kong.HelpProvider.
func (socketsCommand) Help() string {
	return `Asks every server process of the database for its connections, and shows the newest 1000. A process that does not
answer within two seconds is said to be missing.`
}

// Run carries the command out.
func (c *socketsCommand) Run(ctx context.Context, g *globals, sh shell) error {
	return g.atDesk(ctx, sh, func(ctx context.Context, d *desk) error {
		roll, err := realtime.SurveyConnections(ctx, d.store, realtime.SurveyRequest{User: domain.UserID(c.User), Live: domain.LiveID(c.Live)})
		if err != nil {
			return err
		}
		t := newTable(sh.stdout, "ID", "DIALECT", "USERS", "LIVES", "ADDRESS", "SINCE", "PROCESS")
		for _, s := range roll.Connections {
			t.row(s.ID, s.Dialect, listOf(s.Users), listOf(s.Lives), s.Address, s.Since.Format(time.DateTime), s.Node)
		}
		if err := t.end("No connections"); err != nil {
			return err
		}
		if more := roll.Total - len(roll.Connections); more > 0 {
			fmt.Fprintf(sh.stdout, "and %d more\n", more)
		}
		if missing := roll.Nodes - roll.Answered; missing > 0 {
			fmt.Fprintf(sh.stderr, "%d of %d server processes did not answer\n", missing, roll.Nodes)
		}
		return nil
	})
}

// listOf shows a list in a cell.
func listOf[T any](items []T) string {
	if len(items) == 0 {
		return "-"
	}
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = fmt.Sprint(item)
	}
	return strings.Join(texts, ",")
}
