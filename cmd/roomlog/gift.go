package main

import (
	"context"
	"fmt"

	"roomlog/domain"
)

type giftAdd struct {
	Name  string `required:"" placeholder:"NAME" help:"What it is called."`
	Coin  int64  `required:"" placeholder:"N" help:"What one costs, in coins."`
	Image string `placeholder:"URL" help:"Its picture."`
}

// Help implements kong.HelpProvider.
func (giftAdd) Help() string {
	return `Examples:

  roomlog gift add --name Rose --coin 30 --image https://cdn.example/rose.png

Clients see it in GET /api/gift/list at once. Next: roomlog gift list`
}

// Run carries the command out.
func (c *giftAdd) Run(ctx context.Context, g *globals, sh shell) error {
	return g.atDesk(ctx, sh, func(ctx context.Context, d *desk) error {
		receipt, err := d.change(ctx, domain.AddGift{Name: c.Name, Price: domain.Coins(c.Coin), Image: c.Image})
		if err != nil {
			return err
		}
		for _, r := range receipt.Events {
			if e, ok := r.Event.(domain.GiftAdded); ok {
				fmt.Fprintf(sh.stdout, "gift %d: %s, %d coins\n", e.Gift, e.Name, e.Price)
			}
		}
		return nil
	})
}

type giftList struct {
	All bool `help:"Those taken off the shelf as well."`
}

// Run carries the command out.
func (c *giftList) Run(ctx context.Context, g *globals, sh shell) error {
	return g.atDesk(ctx, sh, func(ctx context.Context, d *desk) error {
		if err := d.upToDate(ctx); err != nil {
			return err
		}
		gifts, err := d.queries.AllGifts(ctx)
		if err != nil {
			return err
		}
		t := newTable(sh.stdout, "ID", "COINS", "NAME", "IMAGE", "STATE")
		for _, gift := range gifts {
			switch {
			case gift.Available:
				t.row(gift.ID, gift.Price, gift.Name, gift.Image, "on the shelf")
			case c.All:
				t.row(gift.ID, gift.Price, gift.Name, gift.Image, "withdrawn")
			}
		}
		return t.end("No gifts yet. Next: roomlog gift add --name Rose --coin 30")
	})
}

type giftReprice struct {
	Gift int64 `arg:"" help:"Its id, see roomlog gift list."`
	Coin int64 `required:"" placeholder:"N" help:"What one costs from now on, in coins."`
}

// Run carries the command out.
func (c *giftReprice) Run(ctx context.Context, g *globals, sh shell) error {
	return g.atDesk(ctx, sh, func(ctx context.Context, d *desk) error {
		receipt, err := d.change(ctx, domain.RepriceGift{Gift: domain.GiftID(c.Gift), Price: domain.Coins(c.Coin)})
		if err != nil {
			return err
		}
		return done(sh, receipt, "gift %d costs %d coins", c.Gift, c.Coin)
	})
}

type giftWithdraw struct {
	Gift int64 `arg:"" help:"Its id, see roomlog gift list."`
}

// Run carries the command out.
func (c *giftWithdraw) Run(ctx context.Context, g *globals, sh shell) error {
	return g.atDesk(ctx, sh, func(ctx context.Context, d *desk) error {
		receipt, err := d.change(ctx, domain.WithdrawGift{Gift: domain.GiftID(c.Gift)})
		if err != nil {
			return err
		}
		return done(sh, receipt, "gift %d is off the shelf", c.Gift)
	})
}
