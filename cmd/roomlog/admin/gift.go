package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

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

type shareSet struct {
	BasisPoints int64  `min:"0" max:"9999" arg:"" help:"Share of the platform in hundredths of a percent, 0 to 9999: 3000 is 30 %."`
	Reason      string `required:"" placeholder:"TEXT" help:"Reason, recorded in the log: 1 to 100 characters. It must not name a person."`
}

func (shareSet) Help() string {
	return `Example:

  roomlog share set 3000 --reason "new contract"

The rule holds for gifts that are sent from now on. The share of each gift is rounded down to whole coins: the remainder goes to
the streamer. Update all servers of a cluster first: an older one does not know the rule.`
}

// AfterApply refuses a reason that the log refuses.
func (c *shareSet) AfterApply() error {
	return checkText("--reason", c.Reason, 1, domain.MaxReason)
}

func (c *shareSet) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		receipt, err := b.execute(ctx, domain.SetShare{BasisPoints: int(c.BasisPoints), Reason: c.Reason})
		if err != nil {
			return err
		}
		return printDone(sh, receipt, "the platform gets %d basis points of each gift", c.BasisPoints)
	})
}

type shareList struct {
	Before int64 `min:"1" placeholder:"N" help:"List only rules with smaller numbers. Default: begin with the newest"`
	Limit  int   `min:"1" max:"500" default:"50" placeholder:"N" help:"Maximum number of rules, 50 by default."`
}

func (c *shareList) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		found, err := b.queries.ShareRules(ctx, c.Before, c.Limit)
		if err != nil {
			return err
		}
		t := newTable(sh.Stdout, "RULE", "BASIS POINTS", "POSITION", "AT", "ACTOR", "REASON")
		for _, r := range found {
			t.row(r.Rule, r.BasisPoints, r.Position, r.At.Format(time.RFC3339), r.Actor, r.Reason)
		}
		return t.end("There is no rule: the platform gets nothing. Next: roomlog share set 3000 --reason TEXT")
	})
}
