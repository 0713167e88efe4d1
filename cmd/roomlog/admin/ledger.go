package admin

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"roomlog/cmd/roomlog/cli"
	"roomlog/domain"
	"roomlog/eventstore/place"
	"roomlog/projections/ledger"
	"roomlog/projections/reconcile"
)

// ledgerPage is the number of accounts or postings that are read at once.
const ledgerPage = 1000

type ledgerBalance struct {
	At       string `placeholder:"PLACE" help:"As of this position, or of the events recorded before this time or date in UTC. Default: the end of the log"`
	Accounts bool   `help:"List every account whose balance is not 0, instead of a sum for each kind of account."`
	Format   string `enum:"table,json,csv" default:"table" help:"Form of the output: table, json or csv."`
}

func (ledgerBalance) Help() string {
	return `Examples:

  roomlog ledger balance
  roomlog ledger balance --at 2026-12-01 --accounts --format csv > november.csv

The balances of all accounts add up to 0. The balance of the provider is negative: it is minus the number of coins ever sold. If
the sum is not 0, the command says so and exits with 3.`
}

// AfterApply refuses a place that cannot be parsed.
func (c *ledgerBalance) AfterApply() error { return checkPlaces("--at", c.At) }

// balanceLine is a line of a trial balance: an account, or a kind of accounts.
type balanceLine struct {
	Account  string       `json:"account"`
	Accounts int64        `json:"accounts,omitempty"` // number of accounts, if the line is about a kind of accounts
	Balance  domain.Coins `json:"balance"`
}

func (c *ledgerBalance) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withLedger(ctx, g, sh, func(ctx context.Context, b *backend, l *ledger.Ledger) error {
		at, err := b.upTo(ctx, "--at", c.At, l.Head)
		if err != nil {
			return err
		}
		totals, err := l.Totals(ctx, at)
		if err != nil {
			return err
		}
		w := newListWriter(sh.Stdout, c.Format, "lines", "account", "accounts", "balance")
		if c.Accounts {
			w = newListWriter(sh.Stdout, c.Format, "lines", "account", "balance")
		}
		w.begin(headValue{"position", at}, headValue{"unapplied", l.Unapplied})
		if c.Accounts {
			err = eachAccount(ctx, l, at, func(a ledger.AccountBalance) {
				w.item(balanceLine{Account: string(a.Account), Balance: a.Balance}, string(a.Account), numberText(a.Balance))
			})
		} else {
			for _, t := range totals {
				w.item(balanceLine{string(t.Kind), t.Accounts, t.Balance}, string(t.Kind), numberText(t.Accounts), numberText(t.Balance))
			}
		}
		if err != nil {
			return err
		}
		if err := w.end(fmt.Sprintf("No coins have moved up to position %d.", at)); err != nil {
			return err
		}
		noteUnapplied(sh, l)
		return ledger.Check(totals, at)
	})
}

func eachAccount(ctx context.Context, l *ledger.Ledger, at int64, visit func(ledger.AccountBalance)) error {
	for last := domain.Account(""); ; {
		page, err := l.Accounts(ctx, at, last, ledgerPage)
		if err != nil {
			return err
		}
		for _, a := range page {
			visit(a)
			last = a.Account
		}
		if len(page) < ledgerPage {
			return nil
		}
	}
}

type ledgerStatement struct {
	Account string `arg:"" help:"Account: provider, operator, correction, platform (the share of the platform), payout (earnings that were paid out), user-ID (the wallet of a user), earnings-ID (the earnings of a streamer) or held-ID (earnings that are held for payouts)."`
	From    string `placeholder:"PLACE" help:"First event: a position, or a time or date in UTC. Default: the beginning of the log"`
	To      string `placeholder:"PLACE" help:"Last event: a position, or a time or date in UTC before which it was recorded. Default: the end of the log"`
	Format  string `enum:"table,json,csv" default:"table" help:"Form of the output: table, json or csv."`
}

func (ledgerStatement) Help() string {
	return `Examples:

  roomlog ledger statement user-12
  roomlog ledger statement earnings-7 --from 2026-11-01 --to 2026-12-01
  roomlog ledger statement provider --to 4711 --format csv > sold.csv

Lists the postings of the account in the order of the log, between its opening and its closing balance. Each line has the event,
who caused it, and the accounts on the other side.`
}

// AfterApply refuses a name that no account has, and a range that cannot be parsed.
func (c *ledgerStatement) AfterApply() error {
	if _, ok := domain.ParseAccount(c.Account); !ok {
		return fmt.Errorf("there is no account %q: an account is %s", c.Account, domain.AccountForms)
	}
	return checkPlaces("--from", c.From, "--to", c.To)
}

// statementLine is a line of a statement.
type statementLine struct {
	Position       int64               `json:"position"`
	At             time.Time           `json:"at"`
	Event          string              `json:"event"`
	Actor          string              `json:"actor"`
	Counterparties []domain.Account    `json:"counterparties"`
	Order          domain.OrderID      `json:"order,omitempty"`
	Live           domain.LiveID       `json:"live,omitempty"`
	Gift           domain.GiftID       `json:"gift,omitempty"`
	Refunds        int64               `json:"refunds,omitempty"`
	Payout         domain.PayoutID     `json:"payout,omitempty"`
	Correction     domain.CorrectionID `json:"correction,omitempty"`
	Amount         domain.Coins        `json:"amount"`
	Balance        domain.Coins        `json:"balance"`
}

func (c *ledgerStatement) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withLedger(ctx, g, sh, func(ctx context.Context, b *backend, l *ledger.Ledger) error {
		r, err := c.selected(ctx, b, l.Head)
		if err != nil {
			return err
		}
		s, err := l.Statement(ctx, domain.Account(c.Account), r)
		if err != nil {
			return err
		}
		w := newListWriter(sh.Stdout, c.Format, "lines", "position", "at", "event", "actor", "counterparties", "order", "live", "gift", "amount", "balance", "refunds", "payout", "correction")
		w.begin(headValue{"account", c.Account}, headValue{"from", r.After + 1}, headValue{"to", r.UpTo},
			headValue{"opening", s.Opening}, headValue{"closing", s.Closing}, headValue{"unapplied", l.Unapplied})
		w.cells("", "", "opening", "", "", "", "", "", "", numberText(s.Opening), "", "", "")
		for page := s; ; {
			for _, e := range page.Entries {
				w.item(lineOfEntry(e), numberText(e.Position), e.At.Format(time.RFC3339Nano), e.Event, e.Actor, listOf(e.Counterparties),
					string(e.Order), idText(e.Live), idText(e.Gift), numberText(e.Amount), numberText(e.Balance), idText(e.Refunds), string(e.Payout), idText(e.Correction))
			}
			if len(page.Entries) < r.Limit {
				break
			}
			r.After = page.Entries[len(page.Entries)-1].Position
			if page, err = l.Statement(ctx, s.Account, r); err != nil {
				return err
			}
		}
		w.cells("", "", "closing", "", "", "", "", "", "", numberText(s.Closing), "", "", "")
		if err := w.end(""); err != nil {
			return err
		}
		noteUnapplied(sh, l)
		return nil
	})
}

func lineOfEntry(e ledger.Entry) statementLine {
	return statementLine{e.Position, e.At, e.Event, e.Actor, e.Counterparties, e.Order, e.Live, e.Gift, e.Refunds, e.Payout, e.Correction, e.Amount, e.Balance}
}

// selected returns the range of the statement.
func (c *ledgerStatement) selected(ctx context.Context, b *backend, head int64) (r ledger.Range, err error) {
	r.Limit = ledgerPage
	r.After, r.UpTo, err = b.bounds(ctx, c.From, c.To, head)
	return r, err
}

type ledgerSettlement struct {
	Streamer int64  `min:"1" arg:"" help:"User whose earnings are settled."`
	From     string `required:"" placeholder:"PLACE" help:"First event: a position, or a time or date in UTC."`
	To       string `required:"" placeholder:"PLACE" help:"Last event: a position, or a time or date in UTC before which it was recorded."`
	Format   string `enum:"json,csv" default:"json" help:"Form of the output: json or csv."`
}

func (ledgerSettlement) Help() string {
	return `Example:

  roomlog ledger settlement 7 --from 2026-11-01 --to 2026-12-01 --format csv > november.csv

The document depends only on the log and the period: its bytes are always the same, and those of GET /api/ledger/settlement. A
period that ends at a time must be followed by an event, so that it cannot change any more.`
}

// AfterApply refuses a range that cannot be parsed.
func (c *ledgerSettlement) AfterApply() error { return checkPlaces("--from", c.From, "--to", c.To) }

func (c *ledgerSettlement) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withLedger(ctx, g, sh, func(ctx context.Context, b *backend, l *ledger.Ledger) error {
		r, err := (&ledgerStatement{From: c.From, To: c.To}).selected(ctx, b, l.Head)
		if err != nil {
			return err
		}
		if err := l.CheckPeriod(c.To, r.UpTo); err != nil {
			return fmt.Errorf("--to: %w", err)
		}
		s, err := l.Settlement(ctx, b.store.ID(), domain.UserID(c.Streamer), r.After, r.UpTo)
		if err != nil {
			return err
		}
		document, err := s.JSON()
		if c.Format == "csv" {
			document, err = s.CSV()
		}
		if err == nil {
			_, err = sh.Stdout.Write(document)
		}
		return err
	})
}

type ledgerReconcile struct {
	Format string `enum:"table,json,csv" default:"table" help:"Form of the output: table, json or csv."`
}

func (ledgerReconcile) Help() string {
	return `Compares the log, the tables, the ledger and the transparency log in one state of the database, and lists what is not final:
events that were set aside, that wait or could not be applied, held payouts, and corrections without an approval. It reads neither
the whole log nor whole tables, so it can be repeated every few seconds, beside a server. If two sides contradict each other, it
exits with 3. roomlog verify compares everything.`
}

func (c *ledgerReconcile) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withUnchangedBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		r, err := reconcile.Read(ctx, b.owner, nil, sh.Now())
		if err != nil {
			return err
		}
		w := newListWriter(sh.Stdout, c.Format, "checks", "check", "state", "position", "sentence")
		w.begin(headValue{"state", r.State}, headValue{"position", r.Position}, headValue{"head", r.Head}, headValue{"at", r.At}, headValue{"unfinished", r.Unfinished})
		for _, check := range r.Checks {
			w.item(check, check.Name, string(check.State), numberText(check.Position), check.Sentence)
		}
		w.cells("all", string(r.State), numberText(r.Position), fmt.Sprintf("Of %d positions.", r.Head))
		if err := w.end(""); err != nil {
			return err
		}
		if r.State == reconcile.Fault {
			return ErrFault
		}
		return nil
	})
}

// checkPlaces returns an error if the value of a flag is neither empty nor a place. flags alternates names and values.
func checkPlaces(flags ...string) error {
	for i := 0; i < len(flags); i += 2 {
		if err := place.Check(flags[i+1]); err != nil {
			return fmt.Errorf("%s %w", flags[i], err)
		}
	}
	return nil
}

// upTo returns the position of the last event up to the place in a flag.
func (b *backend) upTo(ctx context.Context, flag, text string, head int64) (int64, error) {
	position, err := place.UpTo(ctx, b.store, text, head)
	return position, placeFailure(flag, err)
}

// bounds returns the positions of the range that the flags --from and --to select: its events have after < position ≤ upTo.
func (b *backend) bounds(ctx context.Context, from, to string, head int64) (after, upTo int64, err error) {
	return place.Bounds{From: from, To: to, Names: [2]string{"--from", "--to"}}.Find(ctx, b.store, head)
}

// placeFailure puts the name of a flag before the error of its place.
func placeFailure(flag string, err error) error {
	if wrong := (*place.Error)(nil); errors.As(err, &wrong) {
		return fmt.Errorf("%s %w", flag, err)
	}
	return err
}

// withLedger calls work with one state of the ledger that contains everything that is in the log now.
func withLedger(ctx context.Context, g *cli.Globals, sh cli.Shell, work func(context.Context, *backend, *ledger.Ledger) error) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		return ledger.Snapshot(ctx, b.owner, func(l *ledger.Ledger) error { return work(ctx, b, l) })
	})
}

// noteUnapplied prints a note to standard error if the ledger leaves out events.
func noteUnapplied(sh cli.Shell, l *ledger.Ledger) {
	if l.Unapplied > 0 {
		fmt.Fprintf(sh.Stderr, "%s left out, because coins are closed: roomlog events list\n", cli.Count(l.Unapplied, "coin event is", "coin events are"))
	}
}

func numberText[N ~int64](n N) string { return strconv.FormatInt(int64(n), 10) }

// idText returns an id, or "" if there is none.
func idText[N ~int64](id N) string {
	if id == 0 {
		return ""
	}
	return numberText(id)
}
