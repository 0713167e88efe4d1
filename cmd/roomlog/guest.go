package main

import (
	"context"
	"fmt"

	"roomlog/domain"
)

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
		receipt, err := d.change(ctx, domain.ForgetGuest{Guest: domain.GuestID(c.Guest)})
		if err != nil {
			return err
		}
		return done(sh, receipt, "guest %d is erased", c.Guest)
	})
}
