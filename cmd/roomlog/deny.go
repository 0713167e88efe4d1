package main

import (
	"context"
	"fmt"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
)

type denyCommand struct {
	User   int64         `required:"" placeholder:"ID" help:"Who is kept out, see roomlog user list."`
	Live   int64         `placeholder:"ID" help:"Of this room alone. Default: of everything"`
	For    time.Duration `placeholder:"TIME" help:"For how long, like 90m or 24h. Default: for good"`
	Reason string        `placeholder:"TEXT" help:"Told the person: at most 100 characters."`
}

// Help implements kong.HelpProvider.
func (denyCommand) Help() string {
	return `Examples:

  roomlog deny --user 12 --for 1h --reason "cool down"
  roomlog deny --user 12 --live 6

Takes effect on every server process at once: the person's connections are closed, or are out of the room. Who is
kept out of everything cannot sign in either, and the person's own rooms end if they are on air. roomlog allow takes
it back.`
}

// Run carries the command out.
func (c *denyCommand) Run(ctx context.Context, g *globals, sh shell) error {
	if c.For < 0 || c.For%time.Second != 0 {
		return fmt.Errorf("--for %s is no number of seconds", c.For)
	}
	user, seconds := domain.UserID(c.User), int64(c.For/time.Second)
	until := "until allowed again"
	if seconds > 0 {
		until = "for " + c.For.String()
	}
	return g.atDesk(ctx, sh, func(ctx context.Context, d *desk) error {
		if c.Live != 0 {
			receipt, err := d.change(ctx, domain.BanViewer{Live: domain.LiveID(c.Live), User: user, Seconds: seconds, Reason: c.Reason})
			if err != nil {
				return err
			}
			return done(sh, receipt, "user %d is kept out of live %d %s", c.User, c.Live, until)
		}
		receipt, err := d.lockOut(ctx, user, func(lives []domain.LiveID) domain.Command {
			return domain.BanUser{User: user, Seconds: seconds, Reason: c.Reason, Lives: lives}
		})
		if err != nil {
			return err
		}
		return done(sh, receipt, "user %d is kept out %s", c.User, until)
	})
}

type allowCommand struct {
	User int64 `required:"" placeholder:"ID" help:"Who is let in again."`
	Live int64 `placeholder:"ID" help:"Into this room. Default: at all"`
}

// Run carries the command out.
func (c *allowCommand) Run(ctx context.Context, g *globals, sh shell) error {
	return g.atDesk(ctx, sh, func(ctx context.Context, d *desk) error {
		if c.Live == 0 {
			receipt, err := d.change(ctx, domain.UnbanUser{User: domain.UserID(c.User)})
			if err != nil {
				return err
			}
			return done(sh, receipt, "user %d is let in", c.User)
		}
		receipt, err := d.change(ctx, domain.UnbanViewer{Live: domain.LiveID(c.Live), User: domain.UserID(c.User)})
		if err != nil {
			return err
		}
		return done(sh, receipt, "user %d is let into live %d", c.User, c.Live)
	})
}

// lockOut is change for a command that locks a person out, whose rooms end if they are on air. It answers what
// followed first.
func (d *desk) lockOut(ctx context.Context, user domain.UserID, c func([]domain.LiveID) domain.Command) (first eventstore.Receipt, err error) {
	if err := d.upToDate(ctx); err != nil { // they may know of rooms that the tables do not
		return first, err
	}
	begun := false
	err = d.queries.EndLives(ctx, user, func(lives []domain.LiveID) error {
		receipt, err := d.change(ctx, c(lives))
		if !begun {
			begun, first = true, receipt
		}
		return err
	})
	return first, err
}
