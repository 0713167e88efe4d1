package rebuild

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

//go:embed sql/select_version_fault.sql
var selectVersionFault string

// verifyAttempts is the maximum number of comparisons, which are repeated after a switch of the tables.
const verifyAttempts = 3

// Verify checks the log and the tables, and puts the first fault into Report.Fault. It checks that
//   - the positions of the log, and the versions of each stream, have no gap;
//   - every event can be decoded and is recorded in its own stream and under its own live;
//   - postings balance, no balance is negative, and no event states a wrong balance;
//   - every table has the rows that are derived from the log up to the position of the tables.
//
// It does not wait for the projector and changes nothing: its tables are temporary. Its memory grows with the
// number of accounts, not with the log. An error means that it could not check.
func Verify(ctx context.Context, store *eventstore.Store, pool *pgxpool.Pool, c VerifyConfig) (Report, error) {
	started := c.Now()
	v := &verification{balances: make(map[domain.Account]domain.Coins)}
	err := withConn(ctx, pool, tempSchema, func(conn *pgx.Conn) error {
		v.shadow = &shadow{
			applier: projections.NewApplier(store, c.Projections), store: store, conn: conn, schema: tempSchema,
			progress: newProgressReporter(c.Now, c.Progress), inspect: v.inspectEvents,
		}
		return v.run(ctx)
	})
	v.report.Took = c.Now().Sub(started)
	if err != nil {
		return v.report, fmt.Errorf("verify: %w", err)
	}
	return v.report, nil
}

type verification struct {
	*shadow
	balances map[domain.Account]domain.Coins
	aside    map[int64]domain.Stream // the events that were set aside
	report   Report
}

// fault is an event that is wrong.
type fault struct {
	position int64
	text     string
}

func (f *fault) Error() string { return fmt.Sprintf("position %d: %s", f.position, f.text) }

func (v *verification) run(ctx context.Context) error {
	var err error
	if v.report.Head, err = v.store.Head(ctx); err != nil {
		return err
	}
	if v.aside, err = v.store.SetAside(ctx); err != nil {
		return err
	}
	first, err := v.versionFault(ctx)
	if err != nil {
		return err
	}
	if err := v.create(ctx); err != nil {
		return err
	}
	folded := v.foldAll(ctx)
	v.report.Events, v.report.Head, v.report.Compared = v.at, max(v.report.Head, v.at), true
	var found *fault
	var halt *projections.HaltError
	switch {
	case errors.As(folded, &found):
	case errors.As(folded, &halt):
		found = &fault{halt.Position, halt.Err.Error()}
		if halt.Projection != "" {
			found.text = "projection " + halt.Projection + ": " + found.text
		}
	case folded != nil:
		return folded
	}
	if first != nil && (found == nil || first.position < found.position) {
		found = first
	}
	switch {
	case found != nil:
		v.report.Fault = found.Error()
	case len(v.report.Differences) > 0:
		d := v.report.Differences[0]
		v.report.Fault = fmt.Sprintf("table %s at position %d: %s", d.Table, v.report.Position, d.Text)
	}
	return nil
}

// versionFault returns the first event whose version does not follow the previous one of its stream, or nil.
func (v *verification) versionFault(ctx context.Context) (*fault, error) {
	v.progress.at("versions", 0, 0)
	var f fault
	var stream domain.Stream
	var version, before int
	var earlier int64
	err := v.conn.QueryRow(ctx, selectVersionFault, v.report.Head).Scan(&f.position, &stream, &version, &before, &earlier)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("check the versions: %w", err)
	case before == 0:
		f.text = fmt.Sprintf("%s begins with version %d", stream, version)
	case version != before+1:
		f.text = fmt.Sprintf("version %d of %s follows version %d", version, stream, before)
	default:
		f.text = fmt.Sprintf("version %d of %s stands before version %d, which is at position %d", version, stream, before, earlier)
	}
	return &f, nil
}

// foldAll reads the whole log once. It folds the events up to the position of the tables and compares the result with
// the tables; it only inspects the later events.
func (v *verification) foldAll(ctx context.Context) error {
	for attempt := 1; ; attempt++ {
		before, err := projections.ReadCheckpoint(ctx, v.conn)
		if err != nil {
			return err
		}
		if err := v.fill(ctx, before.Position); err != nil {
			return err
		}
		if v.report.Position, err = v.compareAt(ctx, &v.report); err != nil {
			return err
		}
		after, err := projections.ReadCheckpoint(ctx, v.conn)
		if err != nil {
			return err
		}
		v.report.Generation = after.Generation
		if before.Generation == after.Generation {
			break
		}
		if attempt == verifyAttempts {
			return errSwitched
		}
	}
	if err := v.count(ctx, tempSchema, &v.report); err != nil {
		return err
	}
	return v.fold(ctx, v.report.Head, func(decoded) error { return nil })
}

// inspectEvents returns the first fault of events. It must see all events in the order of the log.
func (v *verification) inspectEvents(events []eventstore.Record) error {
	for _, r := range events {
		if _, ok := v.aside[r.Position]; ok {
			continue
		}
		if text := v.inspectEvent(r); text != "" {
			return &fault{r.Position, text}
		}
	}
	return nil
}

// inspectEvent describes the fault of an event; "": none.
func (v *verification) inspectEvent(r eventstore.Record) string {
	if r.Event == nil {
		return fmt.Sprintf("event %s at position %d cannot be read: %v", r.Type, r.Position, r.Fault)
	}
	if stream := r.Event.Stream(); stream != r.Stream {
		return fmt.Sprintf("the event of stream %s is recorded in %s", stream, r.Stream)
	}
	var live domain.LiveID
	if e, ok := r.Event.(domain.LiveEvent); ok {
		live = e.EventLive()
	}
	if live != r.LiveID {
		return fmt.Sprintf("the event of live %d is recorded under live %d", live, r.LiveID)
	}
	if e, ok := r.Event.(domain.CoinEvent); ok {
		if err := domain.CheckCoinEvent(r.Stream, e); err != nil {
			return err.Error()
		}
		return v.inspectCoins(e)
	}
	return ""
}

// inspectCoins applies the postings of an event and describes the fault of the balances after it; "": none.
func (v *verification) inspectCoins(e domain.CoinEvent) string {
	for _, p := range e.EventPostings() {
		balance := v.balances[p.Account] + p.Amount
		v.balances[p.Account] = balance
		if balance < 0 && p.Account != domain.ProviderAccount {
			return fmt.Sprintf("the balance of %s would be %d", p.Account, balance)
		}
	}
	var holder domain.Account
	var claimed domain.Coins
	switch e := e.(type) {
	case domain.GiftSent:
		holder, claimed = domain.WalletAccount(e.Sender), e.BalanceAfter
	case domain.CoinsCredited:
		holder, claimed = domain.WalletAccount(e.User), e.BalanceAfter
	default:
		return ""
	}
	if is := v.balances[holder]; is != claimed {
		return fmt.Sprintf("the event states a balance of %d for %s, its history adds up to %d", claimed, holder, is)
	}
	return ""
}
