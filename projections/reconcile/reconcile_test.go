package reconcile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"roomlog/domain"
	"roomlog/projections/projtest"
	"roomlog/projections/reconcile"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// then is a time for which the sample is the event at position 3, as long as the log has at least 3 events.
var then = time.Unix(0, 2)

func read(w *projtest.World, now time.Time) (reconcile.Reconciliation, map[string]reconcile.Comparison) {
	w.Helper()
	r, err := reconcile.Read(w.Context(), w.Pool, nil, now)
	if err != nil {
		w.Fatal(err)
	}
	found := map[string]reconcile.Comparison{}
	for _, c := range r.Checks {
		found[c.Name] = c
	}
	return r, found
}

// TestReconciliation reads reports of a log with payouts and corrections: while the tables or the tree are behind, when all
// agree, and after somebody has edited one side.
func TestReconciliation(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	if r, _ := read(w, then); r.State != reconcile.OK || r.Position != 0 || len(r.Checks) != 7 {
		t.Errorf("an empty log: %+v", r)
	}
	ann, bob := w.Register("ann"), w.Register("bob")
	live, rose := ann.GoLive("show"), w.AddGift("rose", 10)
	bob.Credit(1000)
	bob.Send(domain.SendGift{Live: live, Gift: rose, Num: 10})
	if r, found := read(w, then); r.State != reconcile.Pending || r.Position != 0 || r.Unfinished.Events != w.Head() || r.Unfinished.Unsigned != w.Head() || found["tables"].State != reconcile.Pending {
		t.Errorf("nothing was applied: %+v", r)
	}
	stop := w.Project()
	w.CatchUp()
	received, err := w.Queries.Received(t.Context(), domain.EarningsAccount(ann.ID))
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range []domain.PayoutID{"P1", "P2", "P3"} {
		w.Do(domain.RequestPayout{Payout: id, Streamer: ann.ID, Coins: domain.Coins(10 + i), Reason: "November", Received: received})
	}
	w.Do(domain.CapturePayout{Payout: "P1", Reference: "T 1", Streamer: ann.ID})
	w.Do(domain.ProposeCorrection{Account: domain.WalletAccount(bob.ID), Coins: 7, Reason: "lost", Limit: 1, Period: time.Hour})
	w.GrowTree()
	w.CatchUp()
	stop()
	head := w.Head()
	r, found := read(w, then)
	if want := (reconcile.Unfinished{HeldPayouts: 2, HeldCoins: 23, Corrections: 1}); r.State != reconcile.OK || r.Position != head || r.Head != head || r.Unfinished != want {
		t.Errorf("all agree: %+v", r)
	}
	for name, text := range map[string]string{
		"tables":       fmt.Sprintf("All tables contain the log up to position %d.", head),
		"ledger":       "The balances of 5 accounts add up to 0.",
		"payouts":      "2 payouts of 23 coins wait for the payment, and the ledger holds as many coins.",
		"coins":        "The coins of all users are open; 0 coin events are set aside.",
		"events":       "Every other event was applied; 0 events are set aside.",
		"corrections":  "1 correction waits for an approval; their coins have not moved.",
		"transparency": fmt.Sprintf("The signed tree contains the log up to position %d of %[1]d, and proves the events at positions %[1]d and 3.", head),
	} {
		if c := found[name]; c.Sentence != text || c.Position != head {
			t.Errorf("%s: got %+v, want %q", name, c, text)
		}
	}

	owner := func(statement string) {
		t.Helper()
		if err := pgx.BeginFunc(t.Context(), w.DB.Owner, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), "SET LOCAL session_replication_role = replica; "+statement)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	lost := "INSERT INTO read.poison VALUES (%d, 'payouts', 'payout.requested.v1', 'for a test', %s); UPDATE read.payout SET coins = coins + 1 WHERE id = 'P2'"
	for _, tt := range []struct {
		aside string
		want  reconcile.State
	}{{"NULL", reconcile.Blocked}, {"1", reconcile.OK}} {
		owner(fmt.Sprintf(lost, head-1, tt.aside))
		r, found := read(w, then)
		if c := found["payouts"]; r.State != tt.want || c.State != reconcile.OK || !strings.Contains(c.Sentence, "not compared with the ledger, because 1 event about payouts could not be applied") {
			t.Errorf("an event about payouts that was set aside by %s: got %s, %+v", tt.aside, r.State, c)
		}
		owner("DELETE FROM read.poison; UPDATE read.payout SET coins = coins - 1 WHERE id = 'P2'")
	}
	for _, tt := range []struct{ check, edit, undo, want string }{
		{"ledger", "UPDATE read.coin SET balance = balance + 1 WHERE account = 'provider' OR account LIKE 'user-%'", "UPDATE read.coin SET balance = balance - 1 WHERE account = 'provider' OR account LIKE 'user-%'", "add up to 1, not to 0"},
		{"payouts", "UPDATE read.payout SET coins = coins + 1 WHERE id = 'P2'", "UPDATE read.payout SET coins = coins - 1 WHERE id = 'P2'", "2 payouts of 24 coins wait for the payment, but the ledger holds 23"},
		{"payouts", "UPDATE read.coin SET balance = balance + CASE WHEN account LIKE 'held-%' THEN 1 ELSE -1 END WHERE account LIKE 'held-%' OR account LIKE 'user-%'",
			"UPDATE read.coin SET balance = balance - CASE WHEN account LIKE 'held-%' THEN 1 ELSE -1 END WHERE account LIKE 'held-%' OR account LIKE 'user-%'", "but the ledger holds 24"},
		{"tables", "UPDATE checkpoint SET position = position - 1", "UPDATE checkpoint SET position = position + 1", "roomlog rebuild"},
		{"transparency", "UPDATE events SET metadata = replace(metadata::text, '{', '{ ')::json WHERE position = 3", "UPDATE events SET metadata = replace(metadata::text, '{ ', '{')::json WHERE position = 3",
			"The signed tree does not prove the event at position 3"},
		{"transparency", "UPDATE tlog_tree SET halted = 'for a test'", "UPDATE tlog_tree SET halted = ''", "The transparency log is halted: for a test; run roomlog audit status"},
	} {
		owner(tt.edit)
		r, found := read(w, then)
		if c := found[tt.check]; r.State != reconcile.Fault || c.State != reconcile.Fault || !strings.Contains(c.Sentence, tt.want) {
			t.Errorf("%s: got %s, %+v", tt.edit, r.State, c)
		}
		owner(tt.undo)
		if r, _ := read(w, then); r.State != reconcile.OK {
			t.Errorf("%s: the state is still %+v", tt.undo, r)
		}
	}
}

// TestReconciliationNamesEventsToDecideAbout reads reports after a wrong coin event, and after an operator has set it aside.
func TestReconciliationNamesEventsToDecideAbout(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	c := projtest.NewTraffic(w, 3, 1)
	at, holder := w.Head()+1, c.Users[1]
	stream := string(domain.WalletStream(holder.ID))
	w.Forge(at, stream, 2, "coins.credited.v1", fmt.Sprintf(`{"user":%d,"order":"o","coins":5,"balance_after":5,"postings":[]}`, holder.ID), 0)
	w.Project()
	w.RecordHolds()
	w.CatchUp()
	w.Eventually(func() error {
		if w.Int("SELECT count(*) FROM public.events WHERE type = 'coins.closed.v1'") == 0 {
			return fmt.Errorf("the closing of the coins is not in the log")
		}
		return nil
	})
	w.CatchUp()
	w.GrowTree()
	r, found := read(w, then)
	if r.State != reconcile.Blocked || r.Position != w.Head() || r.Unfinished.Poisoned != 1 || r.Unfinished.Closed != 1 || r.Unfinished.SetAside != 0 {
		t.Errorf("got %+v", r)
	}
	if e, k := found["events"], found["coins"]; e.State != reconcile.Blocked || e.Position != at || k.State != reconcile.Blocked || k.Position != at ||
		!strings.Contains(k.Sentence, fmt.Sprintf("The coins of 1 user are closed since position %d, and 1 coin event is without postings", at)) || found["payouts"].State != reconcile.OK {
		t.Errorf("got %+v", r.Checks)
	}
	w.Do(domain.SetEventAside{Position: at, Of: domain.Stream(stream), EventType: "coins.credited.v1", Reason: "entered by hand"})
	w.CatchUp()
	w.Eventually(func() error {
		if w.Int("SELECT count(*) FROM public.events WHERE type = 'coins.opened.v1'") == 0 {
			return fmt.Errorf("the opening of the coins is not in the log")
		}
		return nil
	})
	w.CatchUp()
	w.GrowTree()
	if r, found := read(w, then); r.State != reconcile.OK || r.Unfinished != (reconcile.Unfinished{SetAside: 1}) || !strings.Contains(found["payouts"].Sentence, "they are not compared with the ledger, because 0 coin events wait and 1 is set aside") {
		t.Errorf("after the decision: %+v", r)
	}
}
