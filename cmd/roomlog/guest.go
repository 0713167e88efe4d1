package main

import (
	"context"
	"fmt"
	"time"

	"roomlog/domain"
)

// guestsAtOnce is how many guests are read from the tables in one go.
const guestsAtOnce = 500

type guestList struct{}

// Run carries the command out.
func (*guestList) Run(ctx context.Context, g *globals, sh shell) error {
	return g.atDesk(ctx, sh, func(ctx context.Context, d *desk) error {
		if err := d.upToDate(ctx); err != nil {
			return err
		}
		t := newTable(sh.stdout, "GUEST", "NAME", "USER", "PROFILE", "CONNECTION", "ROOMS", "SINCE")
		for last := domain.ParticipantID(0); ; {
			guests, err := d.queries.Roster(ctx, last, guestsAtOnce)
			if err != nil {
				return err
			}
			for _, one := range guests {
				t.row(one.ID, orDash(one.Name()), one.User.ID, one.Profile, one.Connection, len(one.ChatRooms), one.EnteredAt.Format(time.DateTime))
				last = one.ID
			}
			if len(guests) < guestsAtOnce {
				return t.end("Nobody is in the chat.")
			}
		}
	})
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

type guestForget struct {
	Guest int64 `arg:"" help:"The number, as the log has it in guest.entered and message.posted."`
	Yes   bool  `help:"Really: it cannot be undone."`
}

// Help implements kong.HelpProvider.
func (guestForget) Help() string {
	return `A guest is somebody by one connection. Destroys the key of what one who was not signed in was called and said,
after the guest has left; what people say who are signed in is erased with them, see roomlog user forget.

  roomlog guest forget 17 --yes`
}

// Run carries the command out.
func (c *guestForget) Run(ctx context.Context, g *globals, sh shell) error {
	if !c.Yes {
		return fmt.Errorf("guest %d would be erased for ever: say --yes if that is meant", c.Guest)
	}
	return g.atDesk(ctx, sh, func(ctx context.Context, d *desk) error {
		receipt, err := d.change(ctx, domain.ForgetParticipant{Participant: domain.ParticipantID(c.Guest)})
		if err != nil {
			return err
		}
		return done(sh, receipt, "guest %d is erased", c.Guest)
	})
}
