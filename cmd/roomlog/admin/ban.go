package admin

import (
	"context"
	"fmt"
	"time"

	"roomlog/cmd/roomlog/cli"
	"roomlog/domain"
)

type banCommand struct {
	User   int64         `min:"1" required:"" placeholder:"ID" help:"User to ban, see roomlog user list."`
	Live   int64         `min:"1" placeholder:"ID" help:"Ban from this live only. Default: from everything"`
	For    time.Duration `placeholder:"TIME" min:"1s" max:"87600h" help:"Duration in whole seconds, like 90m or 24h, at most 87600h. Default: until roomlog unban"`
	Reason string        `placeholder:"TEXT" help:"Shown to the user: at most 100 characters."`
}

func (banCommand) Help() string {
	return `Examples:

  roomlog ban --user 12 --for 1h --reason "cool down"
  roomlog ban --user 12 --live 6

The ban takes effect on every node at once: the user's connections are closed, or leave the live. A user who is banned
from everything cannot sign in, and the user's own lives end if they are on air. roomlog unban lifts the ban.`
}

// AfterApply refuses durations that a ban cannot have.
func (c *banCommand) AfterApply() error {
	if c.For%time.Second != 0 {
		return fmt.Errorf("--for must be a positive number of whole seconds (got %s)", c.For)
	}
	return checkText("--reason", c.Reason, 0, domain.MaxReason)
}

func (c *banCommand) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	user, seconds := domain.UserID(c.User), int64(c.For/time.Second)
	period := "until unbanned"
	if seconds > 0 {
		period = "for " + c.For.String()
	}
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if c.Live != 0 {
			receipt, err := b.execute(ctx, domain.BanViewer{Live: domain.LiveID(c.Live), User: user, Seconds: seconds, Reason: c.Reason})
			if err != nil {
				return err
			}
			return printDone(sh, receipt, "user %d is banned from live %d %s", c.User, c.Live, period)
		}
		receipt, err := b.executeAndEndLives(ctx, user, func(lives []domain.LiveID) domain.Command {
			return domain.BanUser{User: user, Seconds: seconds, Reason: c.Reason, Lives: lives}
		})
		if err != nil {
			return err
		}
		return printDone(sh, receipt, "user %d is banned %s", c.User, period)
	})
}

type unbanCommand struct {
	reasonFlag `embed:""`
	User       int64 `min:"1" required:"" placeholder:"ID" help:"User whose ban is lifted."`
	Live       int64 `min:"1" placeholder:"ID" help:"Lift the ban from this live. Default: the ban from everything"`
}

func (c *unbanCommand) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if c.Live == 0 {
			receipt, err := b.execute(ctx, domain.UnbanUser{User: domain.UserID(c.User), Reason: c.Reason})
			if err != nil {
				return err
			}
			return printDone(sh, receipt, "user %d is unbanned", c.User)
		}
		receipt, err := b.execute(ctx, domain.UnbanViewer{Live: domain.LiveID(c.Live), User: domain.UserID(c.User), Reason: c.Reason})
		if err != nil {
			return err
		}
		return printDone(sh, receipt, "user %d is unbanned from live %d", c.User, c.Live)
	})
}
