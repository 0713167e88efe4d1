package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
	"roomlog/eventstore"
)

// VerifyConfig says how to verify.
type VerifyConfig struct {
	Now         func() time.Time // required
	Progress    func(Progress)   // nil: silent; called about once a second
	Projections []Projection     // nil: All
}

// verifyTries bounds how often tables are compared again because a rebuild was switched to meanwhile.
const verifyTries = 3

// Verify judges the log and the tables, and names the first fault in Report.Fault: positions without a hole, the
// versions of each stream without a hole, every event readable and where it belongs, postings that balance, no
// negative balance and none that an event is wrong about, and every table equal to what the log adds up
// to at the position that the tables claim to have. It waits for nothing and changes nothing: what it folds
// is in temporary tables. Its memory grows with the number of accounts, not with the log.
//
// An error means that it could not judge.
func Verify(ctx context.Context, store *eventstore.Store, pool *pgxpool.Pool, c VerifyConfig) (Report, error) {
	if c.Projections == nil {
		c.Projections = All
	}
	started := c.Now()
	v := &verification{balances: make(map[domain.Account]domain.Coins)}
	err := apart(ctx, pool, tempSchema, func(conn *pgx.Conn) error {
		v.shadow = &shadow{
			folder: newFolder(store, c.Projections), store: store, conn: conn, schema: tempSchema,
			teller: newTeller(c.Now, c.Progress), check: v.judge,
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
	report   Report
}

// fault is what a verification looks for.
type fault struct {
	position int64
	text     string
}

// Error implements error.
func (f *fault) Error() string { return fmt.Sprintf("position %d: %s", f.position, f.text) }

func (v *verification) run(ctx context.Context) error {
	var err error
	if v.report.Head, err = v.store.Head(ctx); err != nil {
		return err
	}
	first, err := v.versions(ctx)
	if err != nil {
		return err
	}
	if err := v.create(ctx); err != nil {
		return err
	}
	walked := v.walk(ctx)
	v.report.Events, v.report.Head, v.report.Compared = v.at, max(v.report.Head, v.at), true
	var found *fault
	var halt *HaltError
	switch {
	case errors.As(walked, &found):
	case errors.As(walked, &halt):
		found = &fault{halt.Position, halt.Err.Error()}
		if halt.Projection != "" {
			found.text = "projection " + halt.Projection + ": " + found.text
		}
	case walked != nil:
		return walked
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

// versions answers the first event whose version does not follow the one before it in its stream.
func (v *verification) versions(ctx context.Context) (*fault, error) {
	v.teller.at("versions", 0, 0)
	var f fault
	var stream domain.Stream
	var version, before int
	var earlier int64
	err := v.conn.QueryRow(ctx, selectVersionFault, v.report.Head).Scan(&f.position, &stream, &version, &before, &earlier)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("look through the versions: %w", err)
	case before == 0:
		f.text = fmt.Sprintf("%s begins with version %d", stream, version)
	case version != before+1:
		f.text = fmt.Sprintf("version %d of %s follows version %d", version, stream, before)
	default:
		f.text = fmt.Sprintf("version %d of %s stands before version %d, which is at position %d", version, stream, before, earlier)
	}
	return &f, nil
}

// walk reads the whole log once: up to where the tables are it is folded and compared with them, and what is
// newer is judged by itself.
func (v *verification) walk(ctx context.Context) error {
	for try := 1; ; try++ {
		before, err := readCheckpoint(ctx, v.conn)
		if err != nil {
			return err
		}
		if err := v.fill(ctx, before.position); err != nil {
			return err
		}
		if v.report.Position, err = v.compareAt(ctx, tempSchema, &v.report); err != nil {
			return err
		}
		after, err := readCheckpoint(ctx, v.conn)
		if err != nil {
			return err
		}
		v.report.Generation = after.generation
		if before.generation == after.generation {
			break
		}
		if try == verifyTries {
			return errSwitched
		}
	}
	if err := v.count(ctx, tempSchema, &v.report); err != nil {
		return err
	}
	return v.through(ctx, v.report.Head, func(decoded) error { return nil })
}

// judge looks at events in the order of the log.
func (v *verification) judge(events []eventstore.Record) error {
	for _, r := range events {
		if text := v.wrong(r); text != "" {
			return &fault{r.Position, text}
		}
	}
	return nil
}

// wrong says what is wrong with an event, "" for nothing. One that no coins depend on may be unreadable: it is
// in table poison then.
func (v *verification) wrong(r eventstore.Record) string {
	if r.Event == nil {
		return ""
	}
	if stream := r.Event.Stream(); stream != r.Stream {
		return fmt.Sprintf("the event of stream %s stands in %s", stream, r.Stream)
	}
	var live domain.LiveID
	if e, ok := r.Event.(domain.LiveEvent); ok {
		live = e.EventLive()
	}
	if live != r.LiveID {
		return fmt.Sprintf("the event of live %d is found under live %d", live, r.LiveID)
	}
	if e, ok := r.Event.(domain.CoinEvent); ok {
		return v.wrongCoins(e)
	}
	return ""
}

// wrongCoins posts an event and says what is wrong with the balances after it.
func (v *verification) wrongCoins(e domain.CoinEvent) string {
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
		return fmt.Sprintf("the event says that %s has %d coins, its history adds up to %d", holder, claimed, is)
	}
	return ""
}
