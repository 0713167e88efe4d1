package admin

import (
	"context"
	"errors"

	"roomlog/cmd/roomlog/cli"
	"roomlog/domain"
)

type coinsCredit struct {
	reasonFlag `embed:""`
	User       int64  `min:"1" required:"" placeholder:"ID" help:"User to credit, see roomlog user list."`
	Amount     int64  `min:"1" required:"" placeholder:"N" help:"Coins to credit, at least 1."`
	Order      string `required:"" placeholder:"ORDER" help:"Your own name of the payment. An order is credited once."`
}

func (coinsCredit) Help() string {
	return `Example:

  roomlog coins credit --user 12 --amount 100 --order cash-2026-11-20-1

The command can be repeated safely: an order is credited once, and the same order with another user or amount is
refused.`
}

// AfterApply refuses an amount or a reason that the log refuses.
func (c *coinsCredit) AfterApply() error {
	return errors.Join(checkNumber("--amount", c.Amount, 1, domain.MaxCoins), c.reasonFlag.AfterApply())
}

func (c *coinsCredit) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		receipt, err := b.execute(ctx, domain.CreditCoins{
			Order: domain.OrderID(c.Order), User: domain.UserID(c.User), Coins: domain.Coins(c.Amount), Reason: c.Reason})
		if err != nil {
			return err
		}
		balance, err := b.queries.Balance(ctx, domain.UserID(c.User))
		if err != nil {
			return err
		}
		return printDone(sh, receipt, "order %s is credited: user %d has %s", c.Order, c.User, cli.Count(balance, "coin"))
	})
}
