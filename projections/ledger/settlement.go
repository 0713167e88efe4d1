package ledger

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore/place"
)

// settlementFormat is the value of the first member of a settlement.
const settlementFormat = "roomlog settlement 1"

// MaxSettlement is the maximum number of events in a settlement.
const MaxSettlement = 50_000

// Errors of settlements.
var (
	ErrSettlementLong   = fmt.Errorf("the period has more than %d events that move the coins of the streamer: settle shorter periods", MaxSettlement)
	ErrSettlementClosed = errors.New("coin events wait because coins are closed, so the sums could change: see roomlog events list, and settle when they are applied or set aside")
)

// ErrPeriodOpen means that events of the period may still be appended.
var ErrPeriodOpen = errors.New("the log has no event at the end of the period or later, so the period may still change: name the last event by its position, or try again later")

// CheckPeriod returns ErrPeriodOpen if events may still be appended to a period. to is the place of the log at which the
// period ends, and upTo is the position of its last event so far.
func (l *Ledger) CheckPeriod(to string, upTo int64) error {
	if p, ok := place.Parse(to); ok && p.Position == 0 && upTo >= l.Head {
		return ErrPeriodOpen
	}
	return nil
}

// A Settlement lists what has moved the earnings of a streamer in a period, with sums. It depends only on the log and the
// period: its bytes are always the same.
type Settlement struct {
	Format      string        `json:"format" example:"roomlog settlement 1"`
	Log         string        `json:"log" example:"5f0c2a77-3a52-4d6e-9a4b-0c9d1e2f3a4b"` // id of the log
	Streamer    domain.UserID `json:"streamer"`
	From        int64         `json:"from"` // position of the first event of the period
	To          int64         `json:"to"`   // position of the last event of the period
	Opening     Owed          `json:"opening"`
	Gifts       GiftSums      `json:"gifts"`
	Refunds     GiftSums      `json:"refunds"`
	Tickets     GiftSums      `json:"tickets,omitzero"`        // sums of tickets; absent if none, so that older settlements keep their bytes
	Returned    GiftSums      `json:"ticket_refunds,omitzero"` // sums of refunded tickets; absent if there are none
	Payouts     PayoutSums    `json:"payouts"`
	Corrections domain.Coins  `json:"corrections"` // sum of the corrections of the earnings
	Closing     Owed          `json:"closing"`
	Events      []Settled     `json:"events"`
}

// Owed contains the coins that a streamer has earned and has not been paid yet.
type Owed struct {
	Earnings domain.Coins `json:"earnings"` // balance of earnings-ID
	Held     domain.Coins `json:"held"`     // balance of held-ID: requested payouts
}

// GiftSums are sums of gifts, of tickets, or of their refunds.
type GiftSums struct {
	Count int64        `json:"count"`
	Gross domain.Coins `json:"gross"` // coins that the senders have paid
	Share domain.Coins `json:"share"` // part of the gross coins for the platform
	Net   domain.Coins `json:"net"`   // part of the gross coins for the streamer
}

func (s *GiftSums) add(e Settled) {
	s.Count++
	s.Gross, s.Share, s.Net = s.Gross+e.Gross, s.Share+e.Share, s.Net+e.Earnings
}

// PayoutSums are sums of payouts.
type PayoutSums struct {
	Requested domain.Coins `json:"requested"`
	PaidOut   domain.Coins `json:"paid_out"`
	Void      domain.Coins `json:"void"`
}

// Settled is an event of a settlement. It does not name the actor: streamers must not learn the names of operators. An
// auditor finds the actor by the id of the event.
type Settled struct {
	Position   int64               `json:"position"`
	At         time.Time           `json:"at"`
	ID         string              `json:"event_id" example:"01a1fb9b-f2bf-7ac6-9079-a23c2a5305ef"`
	Event      string              `json:"event" example:"gift.sent.v2"`
	Live       domain.LiveID       `json:"live,omitempty"`
	Gift       domain.GiftID       `json:"gift,omitempty"`
	Refunds    int64               `json:"refunds,omitempty"` // position of the gift, or of the payment of the ticket, that is refunded
	Payout     domain.PayoutID     `json:"payout,omitempty" example:"2026-11-7"`
	Correction domain.CorrectionID `json:"correction,omitempty"`
	Gross      domain.Coins        `json:"gross"` // coins of a gift or of a ticket; negative for a refund; 0 for other events
	Share      domain.Coins        `json:"share"` // the platform's share of the coins
	Earnings   domain.Coins        `json:"earnings"`
	Held       domain.Coins        `json:"held"`
}

// Settlement returns the settlement of a streamer for the events with after < position ≤ upTo. It returns ErrSettlementClosed
// if coin events are not applied, ErrSettlementLong if there are too many events, and an *UnsettledError if the tables
// contradict each other.
func (l *Ledger) Settlement(ctx context.Context, log string, streamer domain.UserID, after, upTo int64) (s Settlement, err error) {
	s = Settlement{Format: settlementFormat, Log: log, Streamer: streamer, From: after + 1, To: upTo, Events: []Settled{}}
	if l.Unapplied > 0 {
		return s, ErrSettlementClosed
	}
	if s.Opening, err = l.owed(ctx, streamer, after); err != nil {
		return s, err
	}
	if s.Closing, err = l.owed(ctx, streamer, upTo); err != nil {
		return s, err
	}
	for last := after; ; {
		page, err := collect(ctx, l, scanSettled, selectSettlement, pgx.NamedArgs{
			"earnings": domain.EarningsAccount(streamer), "held": domain.HeldAccount(streamer), "after": last, "up_to": upTo, "limit": maxPage})
		if err != nil {
			return s, err
		}
		for _, e := range page {
			s.add(e)
		}
		switch {
		case len(s.Events) > MaxSettlement:
			return s, ErrSettlementLong
		case len(page) < maxPage:
			return s, s.check()
		}
		last = page[len(page)-1].Position
	}
}

// owed returns the balances of a streamer after the event at a position.
func (l *Ledger) owed(ctx context.Context, streamer domain.UserID, position int64) (o Owed, err error) {
	if o.Earnings, err = l.Balance(ctx, domain.EarningsAccount(streamer), position); err == nil {
		o.Held, err = l.Balance(ctx, domain.HeldAccount(streamer), position)
	}
	return o, err
}

func scanSettled(row pgx.CollectableRow) (e Settled, err error) {
	var wallets domain.Coins
	err = row.Scan(&e.Position, &e.At, &e.ID, &e.Event, &e.Live, &e.Gift, &e.Refunds, &e.Payout, &e.Correction, &wallets, &e.Share, &e.Earnings, &e.Held)
	e.At, e.Gross = e.At.UTC(), -wallets
	return e, err
}

// Types of the events that sell and refund tickets, as stored in the log: those of all versions.
var (
	boughtTypes   = domain.StoredTypes(domain.TicketBought{}.Type())
	returnedTypes = domain.StoredTypes(domain.TicketRefunded{}.Type())
)

// add adds an event to the list and to the sums.
func (s *Settlement) add(e Settled) {
	s.Events = append(s.Events, e)
	switch {
	case e.Correction != 0:
		s.Corrections += e.Earnings
	case e.Payout != "" && e.Earnings < 0:
		s.Payouts.Requested += e.Held
	case e.Payout != "" && e.Earnings > 0:
		s.Payouts.Void += e.Earnings
	case e.Payout != "":
		s.Payouts.PaidOut -= e.Held
	case slices.Contains(boughtTypes, e.Event):
		s.Tickets.add(e)
	case slices.Contains(returnedTypes, e.Event):
		s.Returned.add(e)
	case e.Earnings > 0:
		s.Gifts.add(e)
	default:
		s.Refunds.add(e)
	}
}

// An UnsettledError means that the events of a settlement do not lead from the opening to the closing balances.
type UnsettledError struct {
	Position int64
	Sum      Owed // closing balance according to the events
	Table    Owed // closing balance in the tables
}

func (e *UnsettledError) Error() string {
	return fmt.Sprintf("the events lead to earnings %d and held %d at position %d, the tables have %d and %d: run roomlog verify", e.Sum.Earnings, e.Sum.Held, e.Position, e.Table.Earnings, e.Table.Held)
}

// check returns an *UnsettledError unless the sums lead from the opening to the closing balances.
func (s *Settlement) check() error {
	var sum Owed
	sum.Earnings = s.Opening.Earnings + s.Gifts.Net + s.Refunds.Net + s.Tickets.Net + s.Returned.Net + s.Corrections - s.Payouts.Requested + s.Payouts.Void
	sum.Held = s.Opening.Held + s.Payouts.Requested - s.Payouts.PaidOut - s.Payouts.Void
	if sum != s.Closing {
		return &UnsettledError{s.To, sum, s.Closing}
	}
	return nil
}

// JSON returns the settlement as a document, with a line for each event.
func (s *Settlement) JSON() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	head := *s
	head.Events = nil
	if err := encoder.Encode(head); err != nil {
		return nil, fmt.Errorf("encode a settlement: %w", err)
	}
	b.Truncate(b.Len() - len("null}\n"))
	b.WriteByte('[')
	for i, e := range s.Events {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		if err := encoder.Encode(e); err != nil {
			return nil, fmt.Errorf("encode a settlement: %w", err)
		}
		b.Truncate(b.Len() - 1)
	}
	b.WriteString("]}\n")
	return b.Bytes(), nil
}

// CSV returns the settlement as a table. The first line after the header contains the opening balances, the last lines the sums
// and the closing balances.
func (s *Settlement) CSV() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	lines := [][]string{
		{"line", "position", "at", "event_id", "event", "live", "gift", "refunds", "payout", "correction", "gross", "share", "earnings", "held"},
		sumLine("opening", s.From-1, 0, 0, s.Opening.Earnings, s.Opening.Held),
	}
	for _, e := range s.Events {
		lines = append(lines, []string{"event", number(e.Position), e.At.Format(time.RFC3339Nano), e.ID, e.Event, optional(e.Live), optional(e.Gift),
			optional(e.Refunds), string(e.Payout), optional(e.Correction), number(e.Gross), number(e.Share), number(e.Earnings), number(e.Held)})
	}
	p := s.Payouts
	lines = append(lines,
		sumLine("gifts", s.To, s.Gifts.Gross, s.Gifts.Share, s.Gifts.Net, 0),
		sumLine("refunds", s.To, s.Refunds.Gross, s.Refunds.Share, s.Refunds.Net, 0))
	if s.Tickets.Count+s.Returned.Count > 0 {
		lines = append(lines,
			sumLine("tickets", s.To, s.Tickets.Gross, s.Tickets.Share, s.Tickets.Net, 0),
			sumLine("ticket_refunds", s.To, s.Returned.Gross, s.Returned.Share, s.Returned.Net, 0))
	}
	lines = append(lines,
		sumLine("requested", s.To, 0, 0, -p.Requested, p.Requested),
		sumLine("paid_out", s.To, 0, 0, 0, -p.PaidOut),
		sumLine("void", s.To, 0, 0, p.Void, -p.Void),
		sumLine("corrections", s.To, 0, 0, s.Corrections, 0),
		sumLine("closing", s.To, 0, 0, s.Closing.Earnings, s.Closing.Held))
	if err := w.WriteAll(lines); err != nil {
		return nil, fmt.Errorf("encode a settlement: %w", err)
	}
	return b.Bytes(), nil
}

// sumLine returns a line of a table that contains no event.
func sumLine(name string, position int64, gross, share, earnings, held domain.Coins) []string {
	return []string{name, number(position), "", "", "", "", "", "", "", "", number(gross), number(share), number(earnings), number(held)}
}

func number[N ~int64](n N) string { return strconv.FormatInt(int64(n), 10) }

// optional returns a number, or "" for 0.
func optional[N ~int64](n N) string {
	if n == 0 {
		return ""
	}
	return number(n)
}
