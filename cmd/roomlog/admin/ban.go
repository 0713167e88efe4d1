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
func (c *banCommand) AfterApply() error { return checkBan(c.For, c.Reason) }

// checkBan refuses durations and reasons that a ban, a mute or a mode cannot have.
func checkBan(period time.Duration, reason string) error {
	if period%time.Second != 0 {
		return fmt.Errorf("--for must be a positive number of whole seconds (got %s)", period)
	}
	return checkText("--reason", reason, 0, domain.MaxReason)
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

type muteCommand struct {
	User   int64         `min:"1" required:"" placeholder:"ID" help:"User to mute, see roomlog user list."`
	Live   int64         `min:"1" required:"" placeholder:"ID" help:"Live in which the user may not comment."`
	For    time.Duration `placeholder:"TIME" min:"1s" max:"87600h" help:"Duration in whole seconds, like 90m or 24h, at most 87600h. Default: until roomlog unmute"`
	Reason string        `placeholder:"TEXT" help:"Recorded for the user and the owner of the live: at most 100 characters."`
}

func (muteCommand) Help() string {
	return `Examples:

  roomlog mute --user 12 --live 6 --for 10m --reason "cool down"
  roomlog mute --user 12 --live 6

The user may stay in the live, but may not comment. roomlog unmute ends the mute.`
}

// AfterApply refuses durations that a mute cannot have.
func (c *muteCommand) AfterApply() error { return checkBan(c.For, c.Reason) }

func (c *muteCommand) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	period := "until unmuted"
	if c.For > 0 {
		period = "for " + c.For.String()
	}
	command := domain.MuteViewer{Live: domain.LiveID(c.Live), User: domain.UserID(c.User), Seconds: int64(c.For / time.Second), Reason: c.Reason}
	return executeOne(ctx, g, sh, command, "user %d is muted in live %d %s", c.User, c.Live, period)
}

type unmuteCommand struct {
	reasonFlag `embed:""`
	User       int64 `min:"1" required:"" placeholder:"ID" help:"User whose mute ends."`
	Live       int64 `min:"1" required:"" placeholder:"ID" help:"Live in which the user may comment again."`
}

func (c *unmuteCommand) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	command := domain.UnmuteViewer{Live: domain.LiveID(c.Live), User: domain.UserID(c.User), Reason: c.Reason}
	return executeOne(ctx, g, sh, command, "user %d is unmuted in live %d", c.User, c.Live)
}

// executeOne executes one command as an operator, and prints the result.
func executeOne(ctx context.Context, g *cli.Globals, sh cli.Shell, c domain.Command, format string, args ...any) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		receipt, err := b.execute(ctx, c)
		if err != nil {
			return err
		}
		return printDone(sh, receipt, format, args...)
	})
}
