package main

import (
	"context"
	"fmt"

	"roomlog/domain"
	"roomlog/eventstore"
)

type coinsCredit struct {
	User   int64  `required:"" placeholder:"ID" help:"Who gets them, see roomlog user list."`
	Amount int64  `required:"" placeholder:"N" help:"How many coins."`
	Order  string `required:"" placeholder:"ORDER" help:"What they are for: a name of your own for this payment. The same again credits nothing."`
}

// Help implements kong.HelpProvider.
func (coinsCredit) Help() string {
	return `Examples:

  roomlog coins credit --user 12 --amount 100 --order cash-2026-11-20-1

Doing it twice is safe: an order is credited once, and the same order with another user or amount is
refused.`
}

// Run carries the command out.
func (c *coinsCredit) Run(ctx context.Context, g *globals, sh shell) error {
	return g.atDesk(ctx, sh, func(ctx context.Context, d *desk) error {
		receipt, err := d.change(ctx, domain.CreditCoins{
			Order: domain.OrderID(c.Order), User: domain.UserID(c.User), Coins: domain.Coins(c.Amount)})
		if err != nil {
			return err
		}
		balance, err := d.queries.Balance(ctx, domain.UserID(c.User))
		if err != nil {
			return err
		}
		return done(sh, receipt, "order %s is credited: user %d has %d coins", c.Order, c.User, balance)
	})
}

// done says what is so now, and whether it was so before.
func done(sh shell, receipt eventstore.Receipt, format string, args ...any) error {
	note := ""
	if len(receipt.Events) == 0 {
		note = " (it was so already)"
	}
	fmt.Fprintf(sh.stdout, format+note+"\n", args...)
	return nil
}
