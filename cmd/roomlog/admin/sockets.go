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
