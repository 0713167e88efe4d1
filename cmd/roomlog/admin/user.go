package admin

import (
	"context"
	"fmt"
	"time"

	"roomlog/cmd/roomlog/cli"
	"roomlog/domain"
	"roomlog/projections"
)

// pageSize is the number of rows that list commands read with one query.
const pageSize = 500

type userList struct{}

func (*userList) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		t := newTable(sh.Stdout, "ID", "NAME", "NICKNAME", "COINS", "ROLES", "STATE", "SINCE")
		for last := domain.UserID(0); ; {
			users, err := b.queries.Users(ctx, last, pageSize)
			if err != nil {
				return err
			}
			for _, u := range users {
				t.row(u.ID, u.Username, u.Nickname, u.Balance, listOf(u.Roles), userState(u, b.store.Now()), u.CreatedAt.UTC().Format(time.DateTime))
				last = u.ID
			}
			if len(users) < pageSize {
				return t.end("There are no users: they register at POST /api/reg")
			}
		}
	})
}

func userState(u projections.User, now time.Time) string {
	switch {
	case u.Forgotten:
		return "forgotten"
	case u.Disabled:
		return "disabled"
	case u.Ban.Active(now) && u.Ban.Until == 0:
		return "banned"
	case u.Ban.Active(now):
		return "banned until " + time.Unix(u.Ban.Until, 0).UTC().Format(time.DateTime)
	}
	return "active"
}

// userArg is the argument of commands about one user.
type userArg struct {
	User int64 `min:"1" arg:"" help:"User, see roomlog user list."`
}

func (u userArg) id() domain.UserID { return domain.UserID(u.User) }

// execute executes c and prints the result.
func (u userArg) execute(ctx context.Context, g *cli.Globals, sh cli.Shell, c domain.Command, format string, args ...any) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		receipt, err := b.execute(ctx, c)
		if err != nil {
			return err
		}
		return printDone(sh, receipt, format, args...)
	})
}

// executeAndEndLives executes a command that locks the user out and ends the lives of the user.
func (u userArg) executeAndEndLives(ctx context.Context, g *cli.Globals, sh cli.Shell, c func([]domain.LiveID) domain.Command, format string) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		receipt, err := b.executeAndEndLives(ctx, u.id(), c)
		if err != nil {
			return err
		}
		return printDone(sh, receipt, format, u.User)
	})
}

type userDisable struct {
	userArg    `embed:""`
	reasonFlag `embed:""`
}

func (c *userDisable) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return c.executeAndEndLives(ctx, g, sh, func(lives []domain.LiveID) domain.Command {
		return domain.DisableUser{User: c.id(), Lives: lives, Reason: c.Reason}
	}, "user %d is disabled")
}

type userEnable struct {
	userArg    `embed:""`
	reasonFlag `embed:""`
}

func (c *userEnable) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return c.execute(ctx, g, sh, domain.EnableUser{User: c.id(), Reason: c.Reason}, "user %d is enabled", c.User)
}

type userGrant struct {
	userArg    `embed:""`
	reasonFlag `embed:""`
	Role       domain.Role `required:"" enum:"operator,auditor,analyst,personal" help:"Role: operator (manages gifts and users), auditor (reads every wallet and gift), analyst (reads the log without private fields) or personal (with analyst: also reads the private fields)."`
}

func (userGrant) Help() string {
	return `Example:

  roomlog user grant 12 --role analyst`
}

func (c *userGrant) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return c.execute(ctx, g, sh, domain.GrantRole{User: c.id(), Role: c.Role, Reason: c.Reason}, "user %d has the role %s", c.User, c.Role)
}

type userRevoke struct {
	userArg    `embed:""`
	reasonFlag `embed:""`
	Role       domain.Role `required:"" enum:"operator,auditor,analyst,personal" help:"Role: operator, auditor, analyst or personal."`
}

func (c *userRevoke) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return c.execute(ctx, g, sh, domain.RevokeRole{User: c.id(), Role: c.Role, Reason: c.Reason}, "user %d does not have the role %s", c.User, c.Role)
}

type userForget struct {
	userArg    `embed:""`
	reasonFlag `embed:""`
	Yes        bool `help:"Confirm: the texts cannot be restored."`
}

func (userForget) Help() string {
	return `Destroys the key of the user's names, avatar, comments and titles. The log, the tables and later exports show "erased";
coins and gifts stay as they are. The files of the table of keys and of the write-ahead log are overwritten, if the database
user has the rights; the command prints what remains, and can be repeated. Copies that were made earlier are not changed.

  roomlog user forget 12 --yes`
}

// AfterApply requires --yes, because the texts cannot be restored.
func (c *userForget) AfterApply() error {
	if !c.Yes {
		return fmt.Errorf("this would erase the texts of user %d for ever: confirm with --yes", c.User)
	}
	return c.reasonFlag.AfterApply()
}

func (c *userForget) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		receipt, err := b.executeAndEndLives(ctx, c.id(), func(lives []domain.LiveID) domain.Command {
			return domain.ForgetUser{User: c.id(), Lives: lives, Reason: c.Reason}
		})
		if err != nil {
			return err
		}
		if err := printDone(sh, receipt, "user %d is erased", c.User); err != nil {
			return err
		}
		return b.rewriteFiles(ctx)
	})
}
