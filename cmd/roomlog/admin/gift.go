package admin

import (
	"context"
	"errors"
	"fmt"

	"roomlog/cmd/roomlog/cli"
	"roomlog/domain"
	"roomlog/projections"
)

type giftAdd struct {
	Name  string `required:"" placeholder:"NAME" help:"Name of the gift."`
	Coin  int64  `min:"1" required:"" placeholder:"N" help:"Price of one gift in coins, at least 1."`
	Image string `placeholder:"URL" help:"Address of the image of the gift: an http or https URL, or the path of an upload. Default: no image"`
}

func (giftAdd) Help() string {
	return `Example:

  roomlog gift add --name Rose --coin 30 --image https://cdn.example/rose.png

Clients see the gift in GET /api/gift/list at once. Next: roomlog gift list`
}

// AfterApply refuses a price that the catalogue refuses.
func (c *giftAdd) AfterApply() error { return checkPrice(c.Coin) }

func (c *giftAdd) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		receipt, err := b.execute(ctx, domain.AddGift{Name: c.Name, Price: domain.Coins(c.Coin), Image: c.Image})
		if err != nil {
			return err
		}
		for _, r := range receipt.Events {
			if e, ok := r.Event.(domain.GiftAdded); ok {
				fmt.Fprintf(sh.Stdout, "gift %d: %s, %s\n", e.Gift, e.Name, cli.Count(e.Price, "coin"))
			}
		}
		return nil
	})
}

type giftList struct {
	All bool `help:"Include gifts that were withdrawn from the catalogue."`
}

func (c *giftList) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		gifts, err := b.queries.AllGifts(ctx)
		if err != nil {
			return err
		}
		t := newTable(sh.Stdout, "ID", "COINS", "NAME", "IMAGE", "STATE")
		for _, gift := range gifts {
			switch {
			case gift.Available:
				t.row(gift.ID, gift.Price, gift.Name, gift.Image, "available")
			case c.All:
				t.row(gift.ID, gift.Price, gift.Name, gift.Image, "withdrawn")
			}
		}
		return t.end("The catalogue has no gifts. Next: roomlog gift add --name Rose --coin 30")
	})
}

type giftReprice struct {
	reasonFlag `embed:""`
	Gift       int64 `min:"1" arg:"" help:"Gift, see roomlog gift list."`
	Coin       int64 `min:"1" required:"" placeholder:"N" help:"New price of one gift in coins, at least 1."`
}

// AfterApply refuses a price or a reason that the log refuses.
func (c *giftReprice) AfterApply() error {
	return errors.Join(checkPrice(c.Coin), c.reasonFlag.AfterApply())
}

func (c *giftReprice) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		receipt, err := b.execute(ctx, domain.RepriceGift{Gift: domain.GiftID(c.Gift), Price: domain.Coins(c.Coin), Reason: c.Reason})
		if err != nil {
			return err
		}
		return printDone(sh, receipt, "gift %d costs %s", c.Gift, cli.Count(c.Coin, "coin"))
	})
}

type giftWithdraw struct {
	reasonFlag `embed:""`
	Gift       int64 `min:"1" arg:"" help:"Gift, see roomlog gift list."`
}

func (c *giftWithdraw) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		receipt, err := b.execute(ctx, domain.WithdrawGift{Gift: domain.GiftID(c.Gift), Reason: c.Reason})
		if err != nil {
			return err
		}
		return printDone(sh, receipt, "gift %d is withdrawn", c.Gift)
	})
}

type giftRefund struct {
	Position int64  `min:"1" arg:"" help:"Position of the gift: pos of its push, and position in GET /api/gift/history."`
	Reason   string `required:"" placeholder:"TEXT" help:"Reason, recorded in the log: 1 to 100 characters."`
}

func (giftRefund) Help() string {
	return `Example:

  roomlog gift refund 133 --reason "sent by mistake"

A gift is refunded once and as a whole, from the earnings of the streamer. The command is refused if the earnings no longer
cover the gift.`
}

func (c *giftRefund) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		sent, received, err := b.queries.SentGift(ctx, c.Position)
		if err != nil && !errors.Is(err, projections.ErrNotFound) {
			return err
		}
		receipt, err := b.execute(ctx, domain.RefundGift{Position: c.Position, Reason: c.Reason, Sent: sent, Received: received})
		if err != nil {
			return err
		}
		return printDone(sh, receipt, "the gift at position %d is refunded: user %d gets %s", c.Position, sent.Sender, cli.Count(sent.Coins, "coin"))
	})
}
