package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"roomlog/domain"
	"roomlog/eventstore/place"
	"roomlog/projections"
	"roomlog/projections/ledger"
	"roomlog/projections/reconcile"
)

// movement is one change of the balance of a coin account, in a response.
type movement struct {
	Position int64          `json:"position"`
	Amount   domain.Coins   `json:"amount" doc:"negative when coins were spent"`
	Balance  domain.Coins   `json:"balance" doc:"balance after the movement"`
	Order    domain.OrderID `json:"order,omitempty" doc:"order of a top-up"`
	Live     domain.LiveID  `json:"live,omitempty" doc:"live of a gift, or of a ticket if there is no gift"`
	Gift     domain.GiftID  `json:"gift,omitempty" doc:"gift that was sent"`
	At       time.Time      `json:"at"`
}

type coinHistoryInput struct {
	User    domain.UserID `query:"user" minimum:"1" doc:"owner of the account; default: the caller"`
	Account string        `query:"account" enum:"wallet,earnings" default:"wallet" doc:"wallet: coins bought and spent; earnings: coins that a streamer received"`
	Period
	Window
}

// coinHistory returns a page with the movements of the caller's coin account. An auditor may request any account.
func (s *server) coinHistory(ctx context.Context, in *coinHistoryInput) (history[movement], error) {
	user := requestOf(ctx).user
	owner := in.User
	if owner == 0 {
		owner = user.ID
	}
	if owner != user.ID && !hasRole(user, domain.RoleAuditor) {
		return history[movement]{}, refusal(domain.CodeForbidden, "the account of another user needs the role %s", domain.RoleAuditor)
	}
	account := domain.WalletAccount(owner)
	if in.Account == "earnings" {
		account = domain.EarningsAccount(owner)
	}
	w, err := s.windowIn(ctx, in.Period, in.Window)
	if err != nil {
		return history[movement]{}, err
	}
	found, err := s.Queries.CoinHistory(ctx, projections.CoinFilter{Account: account, Window: w})
	if err != nil {
		return history[movement]{}, err
	}
	return newHistory(ctx, s, found, func(m projections.CoinMovement) (movement, int64) {
		return movement{m.Position, m.Amount, m.BalanceAfter, m.Order, m.Live, m.Gift, m.At}, m.Position
	})
}

// accountBalance is a line of a trial balance, in a response.
type accountBalance struct {
	Account domain.Account `json:"account" example:"user-12"`
	Balance domain.Coins   `json:"balance"`
}

// kindBalance is the sum of the accounts of one kind, in a response.
type kindBalance struct {
	Kind     domain.AccountKind `json:"kind" enum:"provider,operator,correction,user,earnings,held,platform,payout"`
	Accounts int64              `json:"accounts" doc:"number of accounts whose balance is not 0"`
	Balance  domain.Coins       `json:"balance"`
}

// trialBalance is a page of a trial balance.
type trialBalance struct {
	Position  int64            `json:"position" doc:"position of the last event that is included"`
	Unapplied int64            `json:"unapplied" doc:"number of coin events without postings, because coins are closed"`
	Sum       domain.Coins     `json:"sum" doc:"sum of the balances of all accounts: 0, unless somebody has edited a table"`
	Totals    []kindBalance    `json:"totals" doc:"the sum of each kind of account"`
	Accounts  []accountBalance `json:"accounts" doc:"accounts whose balance is not 0, in the order of their names"`
	Next      *domain.Account  `json:"next" example:"user-12" doc:"send it in the parameter after to read the next accounts; null at the end"`
}

type trialBalanceInput struct {
	At    string `query:"at" example:"2026-01-31T15:04:05Z" doc:"include the events up to this position, or before this time or day; default: all"`
	After string `query:"after" maxLength:"40" doc:"account: return the accounts that follow it"`
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

// readTrialBalance returns the balances of all accounts.
func (s *server) readTrialBalance(ctx context.Context, in *trialBalanceInput) (b trialBalance, err error) {
	err = ledger.Snapshot(ctx, s.Store.Pool(), func(l *ledger.Ledger) error {
		if b.Position, err = s.ledgerPosition(ctx, l, "at", in.At); err != nil {
			return err
		}
		totals, err := l.Totals(ctx, b.Position)
		if err != nil {
			return err
		}
		found, err := l.Accounts(ctx, b.Position, domain.Account(in.After), in.Limit)
		if err != nil {
			return err
		}
		b.Unapplied, b.Totals, b.Accounts = l.Unapplied, []kindBalance{}, []accountBalance{}
		for _, t := range totals {
			b.Totals, b.Sum = append(b.Totals, kindBalance(t)), b.Sum+t.Balance
		}
		for _, a := range found {
			b.Accounts = append(b.Accounts, accountBalance(a))
		}
		if len(found) == in.Limit {
			b.Next = &found[len(found)-1].Account
		}
		return nil
	})
	return b, err
}

// posting is one posting of an account, in a response.
type posting struct {
	Position       int64          `json:"position"`
	At             time.Time      `json:"at"`
	Event          string         `json:"event" example:"gift.sent.v2"`
	Actor          string         `json:"actor" example:"user-12" doc:"who caused the event"`
	Counterparties []string       `json:"counterparties" example:"[\"earnings-7\"]" doc:"the other accounts that the event has changed"`
	Order          domain.OrderID `json:"order,omitempty" doc:"order that was credited"`
	Live           domain.LiveID  `json:"live,omitempty" doc:"live of a gift, or of a ticket if there is no gift"`
	Gift           domain.GiftID  `json:"gift,omitempty" doc:"gift that was sent or refunded"`

	Refunds    int64               `json:"refunds,omitempty" doc:"position of the gift, or of the payment of the ticket, that was refunded"`
	Payout     domain.PayoutID     `json:"payout,omitempty" example:"2026-11-7" doc:"payout that was requested, captured or made void"`
	Correction domain.CorrectionID `json:"correction,omitempty" doc:"correction of the balance"`

	Amount  domain.Coins `json:"amount"`
	Balance domain.Coins `json:"balance" doc:"balance of the account after the posting"`
}

// statement is a page of a statement.
type statement struct {
	Account   domain.Account `json:"account" example:"user-12"`
	From      int64          `json:"from" doc:"first position of the statement"`
	To        int64          `json:"to" doc:"last position of the statement"`
	Opening   domain.Coins   `json:"opening" doc:"balance before the first position"`
	Closing   domain.Coins   `json:"closing" doc:"balance after the last position"`
	Unapplied int64          `json:"unapplied" doc:"number of coin events without postings, because coins are closed"`
	Items     []posting      `json:"items"`
	Cursor    *string        `json:"cursor" example:"4711.5f0c2a77" doc:"cursor of the last item; null when the part is empty"`
}

type statementInput struct {
	Account string `query:"account" required:"true" maxLength:"40" example:"user-12" doc:"provider, operator, correction, platform, payout, user-ID (the wallet of a user), earnings-ID (the earnings of a streamer) or held-ID (earnings that are held for payouts)"`
	Period
	Window
}

// readStatement returns a page with the postings of an account.
func (s *server) readStatement(ctx context.Context, in *statementInput) (out statement, err error) {
	account, ok := domain.ParseAccount(in.Account)
	if !ok {
		return out, badRequest("account must be " + domain.AccountForms)
	}
	w, err := s.window(ctx, in.Window)
	if err != nil {
		return out, err
	}
	var found []ledger.Entry
	err = ledger.Snapshot(ctx, s.Store.Pool(), func(l *ledger.Ledger) error {
		after, upTo, err := in.Period.bounds(ctx, s.Store, l.Head, false)
		if err != nil {
			return err
		}
		whole, err := l.Statement(ctx, account, ledger.Range{After: after, UpTo: upTo, Limit: 1})
		if err != nil {
			return err
		}
		out = statement{Account: account, From: after + 1, To: upTo, Opening: whole.Opening, Closing: whole.Closing, Unapplied: l.Unapplied}
		if w.Before > 0 {
			upTo = min(upTo, w.Before-1)
		}
		page, err := l.Statement(ctx, account, ledger.Range{After: max(after, w.After), UpTo: upTo, NewestFirst: !w.OldestFirst, Limit: w.Limit})
		found = page.Entries
		return err
	})
	if err != nil {
		return out, err
	}
	page, err := newHistory(ctx, s, found, func(e ledger.Entry) (posting, int64) {
		return posting{e.Position, e.At, e.Event, e.Actor, accountNames(e.Counterparties), e.Order, e.Live, e.Gift, e.Refunds, e.Payout, e.Correction, e.Amount, e.Balance}, e.Position
	})
	out.Items, out.Cursor = page.Items, page.Cursor
	return out, err
}

func accountNames(accounts []domain.Account) []string {
	names := make([]string, 0, len(accounts))
	for _, a := range accounts {
		names = append(names, string(a))
	}
	return names
}

// ledgerPosition returns the position of the last event up to a place: the end of the tables if text is empty. name is the
// name of the parameter.
func (s *server) ledgerPosition(ctx context.Context, l *ledger.Ledger, name, text string) (int64, error) {
	position, err := place.UpTo(ctx, s.Store, text, l.Head)
	return position, placeFailure(name, err)
}

// readReconciliation reports whether log, tables, ledger and transparency log agree now. All readers share a report, so that
// many of them cost no more than one.
func (s *server) readReconciliation(ctx context.Context, _ *struct{}) (reconcile.Reconciliation, error) {
	if user := requestOf(ctx).user; !hasRole(user, domain.RoleAuditor) && !hasRole(user, domain.RoleOperator) {
		return reconcile.Reconciliation{}, refusal(domain.CodeForbidden, "this needs the role %s or %s", domain.RoleAuditor, domain.RoleOperator)
	}
	return s.agreement.Get(ctx)
}

// settlementParameters returns the parameters of a request for a settlement.
func settlementParameters() []*huma.Param {
	least := 1.0
	return []*huma.Param{
		{Name: "user", In: "query", Schema: &huma.Schema{Type: huma.TypeInteger, Minimum: &least}, Description: "streamer; default: the caller"},
		{Name: "from", In: "query", Required: true, Schema: &huma.Schema{Type: huma.TypeString}, Example: "2026-01-01", Description: "first position, or time or day of the first event"},
		{Name: "to", In: "query", Required: true, Schema: &huma.Schema{Type: huma.TypeString}, Example: "2026-02-01", Description: "last position, or time or day before which the last event was recorded"},
		{Name: "format", In: "query", Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{"json", "csv"}, Default: "json"}},
	}
}

func documentSettlement(o *huma.Operation, schemas huma.Registry) {
	o.Description += fmt.Sprintf(" The document depends only on the log and the period: its bytes are always the same, and those of roomlog ledger settlement. "+
		"It has at most %d events. A period that ends at a time must be followed by an event. A server makes %d settlements at the same time, and refuses more as busy.", ledger.MaxSettlement, maxSettlements)
	o.Responses["200"].Content["text/csv"] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}, Example: "line,position,at,…"}
}

// settlement writes the settlement of a streamer for a period. A slow client is disconnected, because it keeps others from their settlements.
func (s *server) settlement(w http.ResponseWriter, r *http.Request) {
	select {
	case s.settlements <- struct{}{}:
		defer func() { <-s.settlements }()
	default:
		writeFailure(w, newFailure(domain.CodeBusy, "too many settlements are being made: try again in a second", nil))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.RequestTimeout)
	defer cancel()
	document, kind, err := s.newSettlement(ctx, r.URL.Query())
	if err != nil {
		writeFailure(w, s.failure(ctx, err, nil))
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	err = http.NewResponseController(w).SetWriteDeadline(s.Now().Add(s.RequestTimeout))
	if err == nil {
		_, err = w.Write(document)
	}
	if err != nil {
		s.log.DebugContext(ctx, "settlement not sent", slog.Any("error", err))
	}
}

// newSettlement returns a settlement and its media type.
func (s *server) newSettlement(ctx context.Context, q url.Values) (document []byte, kind string, err error) {
	caller := requestOf(ctx).user
	streamer := caller.ID
	if text := q.Get("user"); text != "" {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id < 1 {
			return nil, "", badRequest("user must be the id of a user, at least 1")
		}
		streamer = domain.UserID(id)
	}
	format := q.Get("format")
	switch {
	case streamer != caller.ID && !hasRole(caller, domain.RoleAuditor) && !hasRole(caller, domain.RoleOperator):
		return nil, "", refusal(domain.CodeForbidden, "the settlement of another user needs the role %s or %s", domain.RoleAuditor, domain.RoleOperator)
	case q.Get("from") == "" || q.Get("to") == "":
		return nil, "", badRequest("from and to must name the period: " + place.Forms)
	case format != "" && format != "json" && format != "csv":
		return nil, "", badRequest("format must be json or csv")
	}
	if err := s.waitForHead(ctx); err != nil {
		return nil, "", err
	}
	var found ledger.Settlement
	err = ledger.Snapshot(ctx, s.Store.Pool(), func(l *ledger.Ledger) error {
		after, upTo, err := Period{q.Get("from"), q.Get("to")}.bounds(ctx, s.Store, l.Head, false)
		if err != nil {
			return err
		}
		if err := l.CheckPeriod(q.Get("to"), upTo); err != nil {
			return badRequest("to: " + err.Error())
		}
		found, err = l.Settlement(ctx, s.Store.ID(), streamer, after, upTo)
		switch {
		case errors.Is(err, ledger.ErrSettlementLong):
			return badRequest(err.Error())
		case errors.Is(err, ledger.ErrSettlementClosed):
			return refusal(domain.CodeCoinsClosed, "%s", err)
		}
		return err
	})
	if err != nil {
		return nil, "", err
	}
	if format == "csv" {
		document, err = found.CSV()
		return document, "text/csv; charset=utf-8", err
	}
	document, err = found.JSON()
	return document, "application/json", err
}
