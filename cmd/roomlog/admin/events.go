package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"roomlog/cmd/roomlog/cli"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
	"roomlog/projections/holds"
)

type eventsList struct{}

func (eventsList) Help() string {
	return `Lists the events that a table could not apply, with the cause, whose coins they close, and whether they were set aside. The
list is empty in a healthy system. Next: roomlog events inspect POSITION`
}

func (*eventsList) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		poison, err := b.queries.Poison(ctx, 0)
		if err != nil {
			return err
		}
		t := newTable(sh.Stdout, "POSITION", "TYPE", "TABLES", "CLOSES", "STATE", "CAUSE")
		for _, p := range poison {
			state := "open"
			if p.SetAside > 0 {
				state = fmt.Sprintf("set aside by %d", p.SetAside)
			}
			t.row(p.Position, p.Type, p.Projection, closesText(p.Closes), state, p.Cause)
		}
		return t.end("Every event is applied")
	})
}

// closesText returns the users whose coins are closed, as the content of a table cell.
func closesText(users []domain.UserID) string {
	if slices.Contains(users, 0) {
		return "everybody"
	}
	var texts []string
	for _, u := range users {
		texts = append(texts, fmt.Sprintf("user %d", u))
	}
	return orDash(strings.Join(texts, ", "))
}

type eventsInspect struct {
	Position int64 `min:"1" arg:"" help:"Position of the event in the log, at least 1."`
}

func (eventsInspect) Help() string {
	return `Prints one event as it is stored: personal texts are sealed. If a table could not apply it, the cause and whose coins it
closes follow. Example:

  roomlog events inspect 4711

Next: roomlog events set-aside 4711 --reason "entered by hand"`
}

func (c *eventsInspect) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		r, poison, err := b.event(ctx, c.Position)
		if err != nil {
			return err
		}
		line := func(name, format string, args ...any) {
			fmt.Fprintf(sh.Stdout, "%-10s%s\n", name, fmt.Sprintf(format, args...))
		}
		line("position", "%d", r.Position)
		line("type", "%s", r.Type)
		line("stream", "%s, version %d", r.Stream, r.Version)
		line("event id", "%s", r.ID)
		line("actor", "%s", r.Metadata.Actor)
		line("time", "%s", r.RecordedAt.Format(time.RFC3339Nano))
		line("payload", "%s", printable(string(r.Payload)))
		if len(poison) == 0 {
			line("state", "every table has applied it")
		}
		for _, p := range poison {
			line("fault", "%s: %s", p.Projection, p.Cause)
			if len(p.Closes) > 0 {
				line("closes", "coins of %s", closesText(p.Closes))
			}
			if p.SetAside > 0 {
				line("state", "set aside by the event at position %d", p.SetAside)
			}
		}
		return nil
	})
}

// event returns the event at a position, and the rows of table poison about it. It first brings the tables up to the
// end of the log.
func (b *backend) event(ctx context.Context, position int64) (eventstore.Record, []projections.PoisonRow, error) {
	if err := b.catchUpToHead(ctx); err != nil {
		return eventstore.Record{}, nil, err
	}
	page, err := b.store.Read(ctx, eventstore.Query{After: position - 1, UpTo: position, Limit: 1})
	if err != nil {
		return eventstore.Record{}, nil, err
	}
	if position < 1 || len(page.Events) == 0 {
		return eventstore.Record{}, nil, fmt.Errorf("the log has no event at position %d: its positions are 1 to %d", position, page.Head)
	}
	poison, err := b.queries.Poison(ctx, position)
	return page.Events[0], poison, err
}

type eventsSetAside struct {
	Position int64  `min:"1" arg:"" help:"Position of the event in the log, see roomlog events list."`
	Reason   string `required:"" placeholder:"TEXT" help:"Reason, recorded in the log for auditors: 1 to 100 characters. It must not name a person."`
}

func (eventsSetAside) Help() string {
	return `Decides that an event that a table could not apply has no effect: on no table, and on no balance. The event stays in the log,
and the decision is recorded there. If the event has closed coins, the coin events that have waited for it are applied, and
the coins are open again. An event that is applied cannot be set aside. Examples:

  roomlog events inspect 4711
  roomlog events set-aside 4711 --reason "entered by hand, ticket 12"

If the coins should have moved, credit them afterwards: roomlog coins credit`
}

// errNotPoison is returned for an event that every table has applied.
var errNotPoison = errors.New("every table has applied this event: it cannot be set aside")

// AfterApply refuses a reason that the log would refuse.
func (c *eventsSetAside) AfterApply() error {
	return checkText("--reason", c.Reason, 1, domain.MaxReason)
}

func (c *eventsSetAside) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		r, poison, err := b.event(ctx, c.Position)
		if err != nil {
			return err
		}
		if len(poison) == 0 {
			return fmt.Errorf("position %d: %w", c.Position, errNotPoison)
		}
		if err := b.checkBalanceBefore(ctx, r); err != nil {
			return err
		}
		receipt, err := b.execute(ctx, domain.SetEventAside{Position: r.Position, Of: r.Stream, EventType: r.Type, Reason: c.Reason})
		if err != nil {
			return err
		}
		if err := b.recordHolds(ctx); err != nil {
			return err
		}
		if err := printDone(sh, receipt, "position %d is set aside", c.Position); err != nil {
			return err
		}
		return b.printClosed(ctx, sh)
	})
}

// checkBalanceBefore returns an error if a coin event is in order, but the tables and the log have different balances
// of its user before the event. Then somebody has edited a table, and the event could not be applied for this reason.
func (b *backend) checkBalanceBefore(ctx context.Context, r eventstore.Record) error {
	e, isCoins := r.Event.(domain.UserEvent)
	if _, ok := r.Event.(domain.CoinEvent); !ok || !isCoins || r.Stream != domain.WalletStream(e.EventUser()) {
		return nil
	}
	aside, err := b.store.SetAside(ctx)
	if err != nil {
		return err
	}
	var state any
	for version := 0; version < r.Version-1; {
		events, err := b.store.ReadStream(ctx, r.Stream, version, min(walletPage, r.Version-1-version))
		if err != nil || len(events) == 0 {
			return err
		}
		for _, earlier := range events {
			version = earlier.Version
			if _, ignored := aside[earlier.Position]; ignored {
				continue
			}
			if state, err = domain.FoldAt(r.Stream, state, earlier.Event, earlier.RecordedAt); err != nil {
				return nil //nolint:nilerr // an earlier event of the wallet is bad, too: the log cannot say what is right
			}
		}
	}
	if _, err := domain.FoldAt(r.Stream, state, r.Event, r.RecordedAt); err != nil {
		return nil //nolint:nilerr // the event is bad
	}
	balance, err := b.queries.Balance(ctx, e.EventUser())
	if wallet, _ := state.(domain.Wallet); err == nil && balance != wallet.Balance {
		return fmt.Errorf("the event at position %d is in order: user %d had %d coins before it, but the tables say %d, so a table was edited; "+
			"do not set it aside, but apply it: roomlog rebuild --force", r.Position, e.EventUser(), wallet.Balance, balance)
	}
	return err
}

// walletPage is the number of events of a wallet that are read at once.
const walletPage = 1000

// recordHolds records in the log which holds the tables contain, like a server does. It returns when the tables contain
// the closings.
func (b *backend) recordHolds(ctx context.Context) error {
	last := int64(0)
	recorder := holds.NewRecorder(holds.Config{Queries: b.queries, Projected: b.store.Projected(), Log: b.log,
		Execute: func(ctx context.Context, r domain.Request) (eventstore.Receipt, error) {
			receipt, err := b.request(ctx, r)
			last = max(last, receipt.Position)
			return receipt, err
		}})
	if err := recorder.Record(ctx); err != nil {
		return err
	}
	return b.catchUp(ctx, last)
}

// printClosed prints the users whose coins are closed.
func (b *backend) printClosed(ctx context.Context, sh cli.Shell) error {
	poison, err := b.queries.Poison(ctx, 0)
	if err != nil {
		return err
	}
	poison = slices.DeleteFunc(poison, func(p projections.PoisonRow) bool { return len(p.Closes) == 0 })
	if len(poison) == 0 {
		fmt.Fprintln(sh.Stdout, "all coins are open")
	}
	for _, p := range poison {
		fmt.Fprintf(sh.Stdout, "position %d closes the coins of %s: %s\n", p.Position, closesText(p.Closes), p.Cause)
	}
	return nil
}
