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

type coinsCredit struct {
	reasonFlag `embed:""`
	User       int64  `min:"1" required:"" placeholder:"ID" help:"User to credit, see roomlog user list."`
	Amount     int64  `min:"1" required:"" placeholder:"N" help:"Coins to credit, at least 1."`
	Order      string `required:"" placeholder:"ORDER" help:"Your own name for the payment. An order is credited once."`
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

// correctionPeriod is the time within which a correction from the command line must be approved.
const correctionPeriod = 24 * time.Hour

type coinsCorrect struct {
	Account string `arg:"" help:"Account: user-ID (the wallet of a user) or earnings-ID (the earnings of a streamer)."`
	Add     int64  `min:"1" xor:"coins" required:"" placeholder:"N" help:"Coins to add, at least 1."`
	Take    int64  `min:"1" xor:"coins" required:"" placeholder:"N" help:"Coins to take, at least 1."`
	Reason  string `required:"" placeholder:"TEXT" help:"Reason, recorded in the log: 1 to 100 characters. It must not name a person."`
}

func (coinsCorrect) Help() string {
	return `Example:

  roomlog coins correct user-12 --take 30 --reason "credited twice"

The coins move when another operator approves the correction within 24 hours: with POST /api/operator/correction/approve, or
with roomlog coins approve as another user of the operating system. The limit below which a server needs no approval
(--correction-limit) does not apply here.`
}

// AfterApply refuses a number or a reason that the log refuses.
func (c *coinsCorrect) AfterApply() error {
	return errors.Join(checkNumber("--add", max(c.Add, 1), 1, domain.MaxCoins), checkNumber("--take", max(c.Take, 1), 1, domain.MaxCoins),
		checkText("--reason", c.Reason, 1, domain.MaxReason))
}

func (c *coinsCorrect) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		received, err := b.queries.Received(ctx, domain.Account(c.Account))
		if err != nil {
			return err
		}
		receipt, err := b.execute(ctx, domain.ProposeCorrection{
			Account: domain.Account(c.Account), Coins: domain.Coins(c.Add - c.Take), Reason: c.Reason, Period: correctionPeriod, Received: received})
		if err != nil {
			return err
		}
		for _, r := range receipt.Events {
			if e, ok := r.Event.(domain.CorrectionProposed); ok {
				fmt.Fprintf(sh.Stdout, "correction %d waits for the approval of another operator until %s\n", e.Correction, time.Unix(e.Expires, 0).UTC().Format(time.RFC3339))
			}
		}
		return nil
	})
}

type coinsApprove struct {
	ID int64 `min:"1" arg:"" help:"Correction, see roomlog coins corrections."`
}

func (c *coinsApprove) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		id := domain.CorrectionID(c.ID)
		found, err := b.queries.Correction(ctx, id)
		if err != nil && !errors.Is(err, projections.ErrNotFound) {
			return err
		}
		receipt, err := b.execute(ctx, domain.ApproveCorrection{Correction: id, Account: found.Account, Received: found.Received})
		if err != nil {
			return err
		}
		return printDone(sh, receipt, "correction %d is booked: %s of %s", id, cli.Count(found.Coins, "coin"), found.Account)
	})
}

type coinsReject struct {
	ID     int64  `min:"1" arg:"" help:"Correction, see roomlog coins corrections."`
	Reason string `required:"" placeholder:"TEXT" help:"Reason, recorded in the log: 1 to 100 characters. It must not name a person."`
}

// AfterApply refuses a reason that the log refuses.
func (c *coinsReject) AfterApply() error {
	return checkText("--reason", c.Reason, 1, domain.MaxReason)
}

func (c *coinsReject) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		receipt, err := b.execute(ctx, domain.RejectCorrection{Correction: domain.CorrectionID(c.ID), Reason: c.Reason})
		if err != nil {
			return err
		}
		return printDone(sh, receipt, "correction %d is rejected", c.ID)
	})
}

type coinsCorrections struct {
	Open   bool  `help:"List only corrections that are not decided."`
	Before int64 `min:"1" placeholder:"ID" help:"List only corrections with smaller ids. Default: begin with the newest"`
	Limit  int   `min:"1" max:"500" default:"50" placeholder:"N" help:"Maximum number of corrections, 50 by default."`
}

func (c *coinsCorrections) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		found, err := b.queries.Corrections(ctx, c.Open, domain.CorrectionID(c.Before), c.Limit)
		if err != nil {
			return err
		}
		t := newTable(sh.Stdout, "ID", "ACCOUNT", "COINS", "STATUS", "PROPOSER", "EXPIRES", "REASON")
		for _, r := range found {
			t.row(r.ID, r.Account, r.Coins, r.Status, r.Proposer, r.ExpiresAt.UTC().Format(time.RFC3339), r.Reason)
		}
		return t.end("There are no corrections.")
	})
}

type payoutRequest struct {
	Payout   string `arg:"" help:"Your own name for the payout: 1 to 64 characters of A-Z, a-z, 0-9, dot, underscore and hyphen. A payout is requested once."`
	Streamer int64  `min:"1" required:"" placeholder:"ID" help:"User whose earnings are paid out."`
	Amount   int64  `min:"1" required:"" placeholder:"N" help:"Coins to pay out, at least 1."`
	Reason   string `required:"" placeholder:"TEXT" help:"Reason, recorded in the log: 1 to 100 characters. It must not name a person."`
}

func (payoutRequest) Help() string {
	return `Example:

  roomlog payout request 2026-11-7 --streamer 7 --amount 1000 --reason November

The coins are held: they can neither be paid out twice nor be taken by refunds. Pay the streamer, then record the payment with
roomlog payout capture, or give the coins back with roomlog payout void. The commands can be repeated safely.`
}

// AfterApply refuses an amount, an id or a reason of a size or length that the log refuses.
func (c *payoutRequest) AfterApply() error {
	return errors.Join(checkNumber("--amount", c.Amount, 1, domain.MaxCoins), checkText("PAYOUT", c.Payout, 1, domain.MaxPayoutText), checkText("--reason", c.Reason, 1, domain.MaxReason))
}

func (c *payoutRequest) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		streamer := domain.UserID(c.Streamer)
		received, err := b.queries.Received(ctx, domain.EarningsAccount(streamer))
		if err != nil {
			return err
		}
		receipt, err := b.execute(ctx, domain.RequestPayout{
			Payout: domain.PayoutID(c.Payout), Streamer: streamer, Coins: domain.Coins(c.Amount), Reason: c.Reason, Received: received})
		if err != nil {
			return err
		}
		return printDone(sh, receipt, "payout %s holds %s of user %d", c.Payout, cli.Count(c.Amount, "coin"), c.Streamer)
	})
}

type payoutCapture struct {
	Payout    string `arg:"" help:"Payout, see roomlog payout list."`
	Reference string `required:"" placeholder:"TEXT" help:"Name of the payment outside roomlog, such as a bank transfer, recorded in the log: 1 to 64 characters. It must not name a person."`
}

// AfterApply refuses a reference that the log refuses.
func (c *payoutCapture) AfterApply() error {
	return checkText("--reference", c.Reference, 1, domain.MaxPayoutText)
}

func (c *payoutCapture) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		found, err := b.payout(ctx, c.Payout)
		if err != nil {
			return err
		}
		receipt, err := b.execute(ctx, domain.CapturePayout{Payout: domain.PayoutID(c.Payout), Reference: c.Reference, Streamer: found.Streamer})
		if err != nil {
			return err
		}
		return printDone(sh, receipt, "payout %s is paid out: %s of user %d", c.Payout, cli.Count(found.Coins, "coin"), found.Streamer)
	})
}

type payoutVoid struct {
	Payout string `arg:"" help:"Payout, see roomlog payout list."`
	Reason string `required:"" placeholder:"TEXT" help:"Reason, recorded in the log: 1 to 100 characters. It must not name a person."`
}

// AfterApply refuses a reason that the log refuses.
func (c *payoutVoid) AfterApply() error { return checkText("--reason", c.Reason, 1, domain.MaxReason) }

func (c *payoutVoid) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		found, err := b.payout(ctx, c.Payout)
		if err != nil {
			return err
		}
		receipt, err := b.execute(ctx, domain.VoidPayout{Payout: domain.PayoutID(c.Payout), Reason: c.Reason, Streamer: found.Streamer})
		if err != nil {
			return err
		}
		return printDone(sh, receipt, "payout %s is void: %s go back to the earnings of user %d", c.Payout, cli.Count(found.Coins, "coin"), found.Streamer)
	})
}

// payout returns a payout, or an empty one if there is none: the log then refuses the command.
func (b *backend) payout(ctx context.Context, id string) (projections.Payout, error) {
	if err := b.catchUpToHead(ctx); err != nil {
		return projections.Payout{}, err
	}
	found, err := b.queries.Payout(ctx, domain.PayoutID(id))
	if errors.Is(err, projections.ErrNotFound) {
		err = nil
	}
	return found, err
}

type payoutList struct {
	Streamer int64 `min:"1" placeholder:"ID" help:"List only payouts of this user."`
	Held     bool  `help:"List only payouts that wait for the payment."`
	Before   int64 `min:"1" placeholder:"POSITION" help:"List only payouts that were requested before this position of the log. Default: begin with the newest"`
	Limit    int   `min:"1" max:"500" default:"50" placeholder:"N" help:"Maximum number of payouts, 50 by default."`
}

func (c *payoutList) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		found, err := b.queries.Payouts(ctx, projections.PayoutFilter{Streamer: domain.UserID(c.Streamer), Held: c.Held, Window: projections.Window{Before: c.Before, Limit: c.Limit}})
		if err != nil {
			return err
		}
		t := newTable(sh.Stdout, "PAYOUT", "STREAMER", "COINS", "STATUS", "POSITION", "REQUESTER", "REASON", "DECIDER", "NOTE")
		for _, p := range found {
			t.row(p.ID, p.Streamer, p.Coins, p.Status, p.Position, p.Requester, p.Reason, orDash(p.Decider), orDash(p.Note))
		}
		return t.end("There are no payouts.")
	})
}
