package admin

import (
	"context"
	"fmt"
	"time"

	"roomlog/cmd/roomlog/cli"
	"roomlog/domain"
	"roomlog/eventstore/cluster"
	"roomlog/realtime/hub"
)

type socketsCommand struct {
	User int64 `min:"1" placeholder:"ID" help:"Only connections of this user."`
	Live int64 `min:"1" placeholder:"ID" help:"Only connections that have joined this live."`
}

func (socketsCommand) Help() string {
	return `Asks every node for its connections and lists the newest 1000. A node that does not reply within two seconds is reported
as missing.`
}

func (c *socketsCommand) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		survey, err := hub.Survey(ctx, cluster.New(cluster.NewPostgres(b.owner), cluster.Config{Now: sh.Now, Log: b.log}), hub.SurveyRequest{User: domain.UserID(c.User), Live: domain.LiveID(c.Live)})
		if err != nil {
			return err
		}
		t := newTable(sh.Stdout, "ID", "DIALECT", "USERS", "LIVES", "ADDRESS", "SINCE", "NODE")
		for _, s := range survey.Connections {
			t.row(s.ID, s.Dialect, listOf(s.Users), listOf(s.Lives), s.Address, s.Since.Format(time.DateTime), s.Node)
		}
		if err := t.end("No connections"); err != nil {
			return err
		}
		if more := survey.Total - len(survey.Connections); more > 0 {
			fmt.Fprintf(sh.Stdout, "and %d more\n", more)
		}
		if missing := survey.Nodes - survey.Answered; missing > 0 {
			fmt.Fprintf(sh.Stderr, "%d of %s did not reply\n", missing, cli.Count(survey.Nodes, "node"))
		}
		return nil
	})
}

type kickCommand struct {
	User       int64  `min:"1" xor:"target" required:"" placeholder:"ID" help:"Close every connection of this user."`
	Connection string `xor:"target" required:"" placeholder:"ID" help:"Close this connection, see roomlog sockets."`
	Reason     string `placeholder:"TEXT" help:"Sent to the client: at most 100 characters."`
}

func (kickCommand) Help() string {
	return `Examples:

  roomlog kick --user 12 --reason "no advertising, please"
  roomlog kick --connection 3f2a91c0-41

The kick takes effect on every node at once. The client gets the reason and does not reconnect by itself; a user who
connects again is admitted: see roomlog ban.`
}

func (c *kickCommand) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if c.Connection == "" {
			if _, err := b.execute(ctx, domain.KickUser{User: domain.UserID(c.User), Reason: c.Reason}); err != nil {
				return err
			}
			_, err := fmt.Fprintf(sh.Stdout, "user %d is kicked\n", c.User)
			return err
		}
		id := domain.ConnectionID(c.Connection)
		survey, err := hub.Survey(ctx, cluster.New(cluster.NewPostgres(b.owner), cluster.Config{Now: sh.Now, Log: b.log}), hub.SurveyRequest{ID: id})
		switch {
		case err != nil:
			return err
		case survey.Total == 0 && survey.Answered == survey.Nodes:
			return fmt.Errorf("there is no connection %s: see roomlog sockets", id)
		}
		if _, err := b.execute(ctx, domain.KickConnection{Connection: id, Reason: c.Reason}); err != nil {
			return err
		}
		_, err = fmt.Fprintf(sh.Stdout, "connection %s is kicked\n", id)
		return err
	})
}
