package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/internal/sqltemplate"
	"roomlog/projections"
)

// maxPage is the maximum number of rows in a page.
const maxPage = 1000

// Snapshot calls read with one state of the tables. db is a pool or a connection.
func Snapshot(ctx context.Context, db interface {
	BeginTx(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error)
}, read func(*Ledger) error,
) error {
	return pgx.BeginTxFunc(ctx, db, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		l, err := In(ctx, tx)
		if err != nil {
			return err
		}
		return read(l)
	})
}

// In returns the bookkeeping as a transaction sees it. The transaction should have one snapshot for all of its reads.
func In(ctx context.Context, tx pgx.Tx) (*Ledger, error) {
	l := &Ledger{tx: tx}
	if err := tx.QueryRow(ctx, selectState, projections.ConsumerGroup).Scan(&l.Head, &l.Unapplied); err != nil {
		return nil, fmt.Errorf("read the state of the ledger: %w", err)
	}
	return l, nil
}

// A Ledger is one state of the bookkeeping. It is valid until the function that received it returns.
type Ledger struct {
	Head      int64 // position up to which the tables contain the log
	Unapplied int64 // number of coin events that have no postings, because coins are closed
	tx        pgx.Tx
}

// Balance returns the balance of an account after the event at a position.
func (l *Ledger) Balance(ctx context.Context, a domain.Account, position int64) (balance domain.Coins, err error) {
	if err := l.tx.QueryRow(ctx, selectAccountBalance, a, position).Scan(&balance); err != nil {
		return 0, fmt.Errorf("read the balance of %s at %d: %w", a, position, err)
	}
	return balance, nil
}

// An AccountBalance is a line of a trial balance.
type AccountBalance struct {
	Account domain.Account
	Balance domain.Coins
}

// Accounts returns a page of the trial balance after the event at a position: the accounts whose balance is not 0, in the
// order of their names. after is the last account of the page before; "" is the beginning. A page has at most 1000 accounts.
func (l *Ledger) Accounts(ctx context.Context, position int64, after domain.Account, limit int) ([]AccountBalance, error) {
	return collect(ctx, l, pgx.RowToStructByPos[AccountBalance], selectAccounts,
		pgx.NamedArgs{"position": position, "end": l.Head, "after": after, "limit": min(max(limit, 1), maxPage)})
}

// A Total is the sum of the accounts of one kind.
type Total struct {
	Kind     domain.AccountKind
	Accounts int64 // number of accounts whose balance is not 0
	Balance  domain.Coins
}

// Totals returns the trial balance after the event at a position, with one line for each kind of account.
func (l *Ledger) Totals(ctx context.Context, position int64) ([]Total, error) {
	return collect(ctx, l, pgx.RowToStructByPos[Total], selectTotals, position, l.Head)
}

// An UnbalancedError means that the balances of all accounts do not add up to zero.
type UnbalancedError struct {
	Position int64
	Sum      domain.Coins
}

func (e *UnbalancedError) Error() string {
	return fmt.Sprintf("the balances at position %d add up to %d, not to 0: run roomlog verify", e.Position, e.Sum)
}

// Check returns an *UnbalancedError unless the totals at a position add up to zero.
func Check(totals []Total, position int64) error {
	var sum domain.Coins
	for _, t := range totals {
		sum += t.Balance
	}
	if sum != 0 {
		return &UnbalancedError{position, sum}
	}
	return nil
}

// An Entry is one posting of an account.
type Entry struct {
	Position       int64
	At             time.Time
	Event          string              // type of the event
	Actor          string              // who caused the event, such as "user-12"
	Order          domain.OrderID      // order that was credited; "" for other events
	Live           domain.LiveID       // 0 unless a gift was sent or refunded, or a ticket was bought or refunded
	Gift           domain.GiftID       // 0 unless a gift was sent or refunded
	Refunds        int64               // position of the gift, or of the payment of the ticket, that was refunded; 0 for other events
	Payout         domain.PayoutID     // payout that was requested, captured or made void; "" for other events
	Correction     domain.CorrectionID // 0 unless a balance was corrected
	Amount         domain.Coins
	Counterparties []domain.Account // the other accounts that the event has changed
	Balance        domain.Coins     // balance of the account after the posting, in the order of the log
}

// A Range selects the postings with After < position ≤ UpTo.
type Range struct {
	After, UpTo int64
	NewestFirst bool
	Limit       int // maximum number of entries, at most 1000
}

// A Statement contains the postings of an account in a range, or the first of them.
type Statement struct {
	Account          domain.Account
	Opening, Closing domain.Coins // balances before and after the range
	Entries          []Entry
}

// Statement returns the statement of an account.
func (l *Ledger) Statement(ctx context.Context, a domain.Account, r Range) (s Statement, err error) {
	s.Account = a
	if s.Opening, err = l.Balance(ctx, a, r.After); err != nil {
		return s, err
	}
	if s.Closing, err = l.Balance(ctx, a, r.UpTo); err != nil {
		return s, err
	}
	s.Entries, err = collect(ctx, l, scanEntry, selectEntries.With(sqltemplate.Options{"newest_first": r.NewestFirst}),
		pgx.NamedArgs{"account": a, "after": r.After, "up_to": r.UpTo, "limit": min(max(r.Limit, 1), maxPage)})
	s.setBalances(r.NewestFirst)
	return s, err
}

// setBalances sets the balance after each entry.
func (s *Statement) setBalances(newestFirst bool) {
	after := s.Opening
	if newestFirst {
		after = s.Closing
	}
	for i := range s.Entries {
		e := &s.Entries[i]
		if newestFirst {
			e.Balance, after = after, after-e.Amount
		} else {
			after += e.Amount
			e.Balance = after
		}
	}
}

func scanEntry(row pgx.CollectableRow) (e Entry, err error) {
	err = row.Scan(&e.Position, &e.At, &e.Event, &e.Actor, &e.Order, &e.Live, &e.Gift, &e.Refunds, &e.Payout, &e.Correction, &e.Amount, &e.Counterparties)
	e.At = e.At.UTC()
	return e, err
}

// collect returns the rows of a query.
func collect[T any](ctx context.Context, l *Ledger, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	rows, err := l.tx.Query(ctx, sql, args...)
	if err == nil {
		var found []T
		if found, err = pgx.CollectRows(rows, scan); err == nil {
			return found, nil
		}
	}
	return nil, fmt.Errorf("read the ledger: %w", err)
}
