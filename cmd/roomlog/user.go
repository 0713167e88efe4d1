package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

// usersAtOnce is how many people are read from the tables in one go.
const usersAtOnce = 500

type userList struct{}

// Run carries the command out.
func (*userList) Run(ctx context.Context, g *globals, sh shell) error {
	return g.atDesk(ctx, sh, func(ctx context.Context, d *desk) error {
		if err := d.upToDate(ctx); err != nil {
			return err
		}
		t := newTable(sh.stdout, "ID", "NAME", "NICKNAME", "COINS", "RIGHTS", "STATE", "SINCE")
		for last := domain.UserID(0); ; {
			users, err := d.queries.Users(ctx, last, usersAtOnce)
			if err != nil {
				return err
			}
			for _, u := range users {
				t.row(u.ID, u.Username, u.Nickname, u.Balance, rights(u.Roles), state(u, sh.now()), u.CreatedAt.UTC().Format(time.DateTime))
				last = u.ID
			}
			if len(users) < usersAtOnce {
				return t.end("No users yet: they register at POST /api/reg")
			}
		}
	})
}

func rights(roles []domain.Role) string {
	if len(roles) == 0 {
		return "-"
	}
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(names, ",")
}

func state(u projections.User, now time.Time) string {
	switch {
	case u.Forgotten:
		return "forgotten"
	case u.Disabled:
		return "disabled"
	case u.Ban.Active(now) && u.Ban.Until == 0:
		return "kept out"
	case u.Ban.Active(now):
		return "kept out until " + time.Unix(u.Ban.Until, 0).UTC().Format(time.DateTime)
	}
	return "active"
}

// person is the argument of the commands about one person.
type person struct {
	User int64 `arg:"" help:"The id, see roomlog user list."`
}

func (p person) id() domain.UserID { return domain.UserID(p.User) }

// tell carries c out and says what is so now.
func (p person) tell(ctx context.Context, g *globals, sh shell, c domain.Command, format string, args ...any) error {
	return g.atDesk(ctx, sh, func(ctx context.Context, d *desk) error {
		receipt, err := d.change(ctx, c)
		if err != nil {
			return err
		}
		return done(sh, receipt, format, args...)
	})
}

// lockOut is tell for a command after which the person's rooms are not on air any more.
func (p person) lockOut(ctx context.Context, g *globals, sh shell, c func([]domain.LiveID) domain.Command, format string) error {
	return g.atDesk(ctx, sh, func(ctx context.Context, d *desk) error {
		receipt, err := d.lockOut(ctx, p.id(), c)
		if err != nil {
			return err
		}
		return done(sh, receipt, format, p.User)
	})
}

type userDisable struct {
	person `embed:""`
}

// Run carries the command out.
func (c *userDisable) Run(ctx context.Context, g *globals, sh shell) error {
	return c.lockOut(ctx, g, sh, func(lives []domain.LiveID) domain.Command {
		return domain.DisableUser{User: c.id(), Lives: lives}
	}, "user %d is locked out")
}

type userEnable struct {
	person `embed:""`
}

// Run carries the command out.
func (c *userEnable) Run(ctx context.Context, g *globals, sh shell) error {
	return c.tell(ctx, g, sh, domain.EnableUser{User: c.id()}, "user %d may sign in", c.User)
}

type userGrant struct {
	person `embed:""`
	Role   domain.Role `required:"" enum:"operator,auditor,analyst" help:"operator (gifts and people), auditor (reviews every wallet and gift) or analyst (replays the log)."`
}

// Help implements kong.HelpProvider.
func (userGrant) Help() string {
	return `Examples:

  roomlog user grant 12 --role analyst`
}

// Run carries the command out.
func (c *userGrant) Run(ctx context.Context, g *globals, sh shell) error {
	return c.tell(ctx, g, sh, domain.GrantRole{User: c.id(), Role: c.Role}, "user %d is %s", c.User, c.Role)
}

type userRevoke struct {
	person `embed:""`
	Role   domain.Role `required:"" enum:"operator,auditor,analyst" help:"operator, auditor or analyst."`
}

// Run carries the command out.
func (c *userRevoke) Run(ctx context.Context, g *globals, sh shell) error {
	return c.tell(ctx, g, sh, domain.RevokeRole{User: c.id(), Role: c.Role}, "user %d is not %s", c.User, c.Role)
}

type userForget struct {
	person `embed:""`
	Yes    bool `help:"Really: it cannot be undone."`
}

// Help implements kong.HelpProvider.
func (userForget) Help() string {
	return `Destroys the key of the person's names, picture, comments and titles. Log, tables and exports made from
now on show "erased"; coins and gifts stay as they are. Copies that were made earlier are not reached.

  roomlog user forget 12 --yes`
}

// Run carries the command out.
func (c *userForget) Run(ctx context.Context, g *globals, sh shell) error {
	if !c.Yes {
		return fmt.Errorf("user %d would be erased for ever: say --yes if that is meant", c.User)
	}
	return c.lockOut(ctx, g, sh, func(lives []domain.LiveID) domain.Command {
		return domain.ForgetUser{User: c.id(), Lives: lives}
	}, "user %d is erased")
}
