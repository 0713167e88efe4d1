package admin

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"roomlog/cmd/roomlog/cli"
	"roomlog/domain"
	"roomlog/projections"
)

// giftPage is the number of gifts that are read at once.
const giftPage = 500

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

type giftHistory struct {
	Live     int64  `min:"1" placeholder:"ID" help:"List only gifts in this live."`
	Streamer int64  `min:"1" placeholder:"ID" help:"List only gifts to this user."`
	Sender   int64  `min:"1" placeholder:"ID" help:"List only gifts of this user."`
	Gift     int64  `min:"1" placeholder:"ID" help:"List only this gift of the catalogue."`
	From     string `placeholder:"PLACE" help:"First gift: a position, or a time or date in UTC. Default: the beginning of the log"`
	To       string `placeholder:"PLACE" help:"Last gift: a position, or a time or date in UTC before which it was sent. Default: the end of the log"`
	Format   string `enum:"table,json,csv" default:"table" help:"Form of the output: table, json or csv."`
}

func (giftHistory) Help() string {
	return `Examples:

  roomlog gift history --live 6
  roomlog gift history --streamer 7 --from 2026-11-01 --to 2026-12-01 --format csv > november.csv
  roomlog gift history --from 4711 --to 4799

Lists the gifts that were sent, in the order of the log. Name, price and share are those at the time of sending. A gift that was
refunded has the position of its refund.`
}

// AfterApply refuses a range that cannot be parsed.
func (c *giftHistory) AfterApply() error { return checkPlaces("--from", c.From, "--to", c.To) }

// giftLine is a gift that was sent.
type giftLine struct {
	Position int64         `json:"position"`
	At       time.Time     `json:"at"`
	ID       string        `json:"id"`
	Live     domain.LiveID `json:"live"`
	Streamer domain.UserID `json:"streamer"`
	Sender   domain.UserID `json:"sender"`
	Gift     domain.GiftID `json:"gift"`
	Name     string        `json:"name"`
	Price    domain.Coins  `json:"price"`
	Num      int           `json:"num"`
	Coins    domain.Coins  `json:"coins"`
	Share    domain.Coins  `json:"share"`
	Refunded int64         `json:"refunded,omitempty"`
}

func (c *giftHistory) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		head, err := b.store.Head(ctx)
		if err != nil {
			return err
		}
		after, upTo, err := b.bounds(ctx, c.From, c.To, head)
		if err != nil {
			return err
		}
		f := projections.GiftFilter{
			Live: domain.LiveID(c.Live), Streamer: domain.UserID(c.Streamer), Sender: domain.UserID(c.Sender), Gift: domain.GiftID(c.Gift),
			Window: projections.Window{After: after, Before: upTo + 1, OldestFirst: true, Limit: giftPage},
		}
		w := newListWriter(sh.Stdout, c.Format, "gifts", "position", "at", "id", "live", "streamer", "sender", "gift", "name", "price", "num", "coins", "share", "refunded")
		w.begin(headValue{"from", after + 1}, headValue{"to", upTo})
		for {
			page, err := b.queries.GiftHistory(ctx, f)
			if err != nil {
				return err
			}
			for _, s := range page {
				w.item(giftLine{s.Position, s.At, s.ID, s.Live, s.Streamer, s.Sender.ID, s.Gift, s.Name, s.Price, s.Num, s.Coins, s.Share, s.Refunded},
					numberText(s.Position), s.At.Format(time.RFC3339Nano), s.ID, idText(s.Live), idText(s.Streamer), idText(s.Sender.ID), idText(s.Gift), s.Name,
					numberText(s.Price), strconv.Itoa(s.Num), numberText(s.Coins), numberText(s.Share), idText(s.Refunded))
				f.After = s.Position
			}
			if len(page) < giftPage {
				return w.end("No gifts were sent in this range.")
			}
		}
	})
}

type shareSet struct {
	BasisPoints int64  `min:"0" max:"9999" arg:"" help:"Share of the platform in hundredths of a percent, 0 to 9999: 3000 is 30 %."`
	Reason      string `required:"" placeholder:"TEXT" help:"Reason, recorded in the log: 1 to 100 characters. It must not name a person."`
}

func (shareSet) Help() string {
	return `Example:

  roomlog share set 3000 --reason "new contract"

The rule holds for gifts that are sent, and tickets that are bought, from now on. The share of each is rounded down to whole coins:
the remainder goes to the streamer. Update all servers of a cluster first: an older one does not know the rule.`
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
		return printDone(sh, receipt, "the platform gets %d basis points of each gift and ticket", c.BasisPoints)
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

// maxTickets is the maximum number of tickets in the output.
const maxTickets = 500

type ticketList struct {
	Live  int64 `min:"1" arg:"" help:"Live, see roomlog live list."`
	After int64 `min:"0" placeholder:"POSITION" help:"List only tickets that were bought after this position of the log. Default: begin with the first"`
}

func (c *ticketList) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		if _, err := existingLive(ctx, b, c.Live); err != nil {
			return err
		}
		sums, err := b.queries.TicketSums(ctx, domain.LiveID(c.Live))
		if err != nil {
			return err
		}
		found, err := b.queries.Tickets(ctx, projections.TicketFilter{
			Live: domain.LiveID(c.Live), Window: projections.Window{After: c.After, Limit: maxTickets, OldestFirst: true},
		})
		if err != nil {
			return err
		}
		t := newTable(sh.Stdout, "POSITION", "USER", "NAME", "COINS", "SHARE", "AT", "REFUNDED", "REASON")
		for _, ticket := range found {
			refunded := ""
			if ticket.Returned != 0 {
				refunded = strconv.FormatInt(ticket.Returned, 10)
			}
			t.row(ticket.Position, ticket.User, ticket.Buyer.Name(), ticket.Coins, ticket.Share, ticket.At.Format(time.RFC3339), refunded, ticket.Reason)
		}
		if err := t.end("Nobody has bought a ticket for this live."); err != nil || sums.Sold == 0 {
			return err
		}
		_, err = fmt.Fprintf(sh.Stdout, "%s sold, %d of them refunded; the others cost %s, of which the platform has %d\n",
			cli.Count(sums.Sold, "ticket"), sums.Refunded, cli.Count(sums.Coins, "coin"), sums.Share)
		return err
	})
}

type ticketRefund struct {
	Live   int64  `min:"1" arg:"" help:"Live, see roomlog live list."`
	User   int64  `min:"1" optional:"" arg:"" help:"User who has the ticket. Without one, --all is needed."`
	All    bool   `help:"Refund all tickets for the live."`
	Reason string `required:"" placeholder:"TEXT" help:"Reason, recorded in the log: 1 to 100 characters. It must not name a person."`
}

func (ticketRefund) Help() string {
	return `Examples:

  roomlog ticket refund 6 12 --reason "no picture"
  roomlog ticket refund 6 --all --reason "the show is cancelled"

A ticket is refunded as a whole, from the earnings of the streamer. It is not refunded if the earnings no longer cover it, or if its
user was forgotten. With --all, the command names such tickets and goes on.`
}

// AfterApply refuses a selection that contradicts itself, and a reason that the log refuses.
func (c *ticketRefund) AfterApply() error {
	if c.All == (c.User != 0) {
		return errors.New("name either a user or --all")
	}
	return checkText("--reason", c.Reason, 1, domain.MaxReason)
}

func (c *ticketRefund) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		if _, err := existingLive(ctx, b, c.Live); err != nil {
			return err
		}
		if c.All {
			return refundAll(ctx, sh, b, domain.LiveID(c.Live), c.Reason)
		}
		command, err := b.queries.RefundTicket(ctx, domain.LiveID(c.Live), domain.UserID(c.User), c.Reason)
		if err != nil {
			return err
		}
		receipt, err := b.execute(ctx, command)
		if err != nil {
			return err
		}
		return printDone(sh, receipt, "the ticket of user %d for live %d is refunded", c.User, c.Live)
	})
}

// refundAll refunds all tickets for a live, each with a command of its own. It prints what it has refunded, also before it
// returns an error.
func refundAll(ctx context.Context, sh cli.Shell, b *backend, live domain.LiveID, reason string) error {
	var refunded int64
	var coins domain.Coins
	defer func() {
		fmt.Fprintf(sh.Stdout, "%s refunded: %s\n", cli.Count(refunded, "ticket"), cli.Count(coins, "coin"))
	}()
	var failed []error
	for after := int64(0); ; {
		page, err := b.queries.Tickets(ctx, projections.TicketFilter{
			Live: live, Valid: true, Window: projections.Window{After: after, Limit: maxTickets, OldestFirst: true},
		})
		if err != nil {
			return err
		}
		command, err := b.queries.RefundTickets(ctx, live, reason)
		if err != nil {
			return err
		}
		for _, t := range page {
			command.User, command.Position, after = t.User, t.Position, t.Position
			switch _, err := b.execute(ctx, command); {
			case err == nil:
				refunded, coins = refunded+1, coins+t.Coins
			case domain.AsRefusal(err) != nil:
				failed = append(failed, fmt.Errorf("user %d: %w", t.User, err))
			default:
				return err
			}
		}
		if len(page) < maxTickets {
			return errors.Join(failed...)
		}
	}
}
