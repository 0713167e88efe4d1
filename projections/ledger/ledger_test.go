package ledger_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections/ledger"
	"roomlog/projections/projtest"
)

// books contains the balances of all accounts after each position, computed from the postings of the log.
type books struct {
	after    []map[domain.Account]domain.Coins // by position
	accounts []domain.Account
}

// foldLog applies the postings of the log, without the events that operators have set aside.
func foldLog(w *projtest.World) books {
	w.Helper()
	aside, err := w.Store.SetAside(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	b := books{after: []map[domain.Account]domain.Coins{{}}}
	for q := (eventstore.Query{Limit: 1000, History: w.Store.History().Number}); ; {
		page, err := w.Store.Read(w.Context(), q)
		if err != nil {
			w.Fatal(err)
		}
		for _, r := range page.Events {
			now := map[domain.Account]domain.Coins{}
			for a, c := range b.after[len(b.after)-1] {
				now[a] = c
			}
			_, ignored := aside[r.Position]
			if e, ok := r.Event.(domain.CoinEvent); ok && !ignored {
				for _, p := range e.EventPostings() {
					now[p.Account] += p.Amount
					if !slices.Contains(b.accounts, p.Account) {
						b.accounts = append(b.accounts, p.Account)
					}
				}
			}
			b.after = append(b.after, now)
		}
		if q.After = page.Next; page.Next >= page.Head {
			return b
		}
	}
}

// read calls f with a snapshot of the ledger.
func read(w *projtest.World, f func(*ledger.Ledger) error) {
	w.Helper()
	if err := ledger.Snapshot(w.Context(), w.Pool, f); err != nil {
		w.Fatal(err)
	}
}

// expectBooks compares the ledger with the log at some positions.
func expectBooks(w *projtest.World, b books, positions []int64) {
	w.Helper()
	read(w, func(l *ledger.Ledger) error {
		for _, at := range positions {
			want := map[domain.Account]domain.Coins{}
			for _, a := range b.accounts {
				balance, err := l.Balance(w.Context(), a, at)
				if err != nil {
					return err
				}
				if balance != b.after[at][a] {
					w.Errorf("%s at %d: balance %d, the log adds up to %d", a, at, balance, b.after[at][a])
				}
				if b.after[at][a] != 0 {
					want[a] = b.after[at][a]
				}
			}
			got := map[domain.Account]domain.Coins{}
			for last := domain.Account(""); ; {
				page, err := l.Accounts(w.Context(), at, last, 3)
				if err != nil {
					return err
				}
				for _, a := range page {
					got[a.Account], last = a.Balance, a.Account
				}
				if len(page) < 3 {
					break
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				w.Errorf("trial balance at %d: %s", at, diff)
			}
			totals, err := l.Totals(w.Context(), at)
			if err != nil {
				return err
			}
			if err := ledger.Check(totals, at); err != nil {
				w.Error(err)
			}
		}
		return nil
	})
}

func TestBalancesAreThoseOfTheLog(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	defer w.Project()()
	c := projtest.NewTraffic(w, 5, 2)
	c.Act(4, 400)
	w.CatchUp()
	b := foldLog(w)
	positions := []int64{0, 1, w.Head(), w.Head() + 100}
	b.after = append(b.after, slices.Repeat(b.after[w.Head():], 100)...)
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		positions = append(positions, r.Int64N(w.Head()+1))
	}
	expectBooks(w, b, positions)
}

func TestStatementsAddUp(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	defer w.Project()()
	ann, bob := w.Register("ann"), w.Register("bob")
	live, rose := ann.GoLive("show"), w.AddGift("rose", 10)
	bob.Credit(100)
	credit := w.Head()
	gift := bob.Send(domain.SendGift{Live: live, Gift: rose, Num: 3}).Position
	last := bob.Send(domain.SendGift{Live: live, Gift: rose, Num: 1}).Position
	w.CatchUp()
	wallet, earnings := domain.WalletAccount(bob.ID), domain.EarningsAccount(ann.ID)
	read(w, func(l *ledger.Ledger) error {
		s, err := l.Statement(t.Context(), wallet, ledger.Range{After: credit, UpTo: l.Head, Limit: 10})
		if err != nil {
			return err
		}
		for i := range s.Entries {
			if s.Entries[i].At.IsZero() {
				t.Error("an entry has no time")
			}
			s.Entries[i].At = s.Entries[0].At
		}
		want := ledger.Statement{Account: wallet, Opening: 100, Closing: 60, Entries: []ledger.Entry{
			{Position: gift, At: s.Entries[0].At, Event: "gift.sent.v2", Actor: fmt.Sprint("user-", bob.ID), Live: live, Gift: rose, Amount: -30, Counterparties: []domain.Account{earnings}, Balance: 70},
			{Position: last, At: s.Entries[0].At, Event: "gift.sent.v2", Actor: fmt.Sprint("user-", bob.ID), Live: live, Gift: rose, Amount: -10, Counterparties: []domain.Account{earnings}, Balance: 60},
		}}
		if diff := cmp.Diff(want, s); diff != "" {
			t.Error(diff)
		}
		newest, err := l.Statement(t.Context(), wallet, ledger.Range{UpTo: l.Head, NewestFirst: true, Limit: 10})
		if err != nil {
			return err
		}
		var balances []domain.Coins
		for _, e := range newest.Entries {
			balances = append(balances, e.Balance)
		}
		if !slices.Equal(balances, []domain.Coins{60, 70, 100}) || newest.Opening != 0 || newest.Entries[2].Order == "" || newest.Entries[2].Actor != "operator" {
			t.Errorf("got %+v", newest)
		}
		return nil
	})
}

// recorded waits until the recorder of holds has appended an event of a type. Afterwards it appends nothing.
func recorded(w *projtest.World, typ string) {
	w.Helper()
	w.Eventually(func() error {
		if w.Int("SELECT count(*) FROM public.events WHERE type = $1", typ) == 0 {
			return errors.New("there is no " + typ)
		}
		return nil
	})
}

// TestEventsThatWaitedAreBookedInTheOrderOfTheLog sets aside an event for which gifts have waited. Their balances were
// stored later than those of other gifts to the same streamer.
func TestEventsThatWaitedAreBookedInTheOrderOfTheLog(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	c := projtest.NewTraffic(w, 3, 1)
	at, live := w.Head()+1, c.Lives[0]
	streamer, holder, other := c.Users[0], c.Users[1], c.Users[2]
	stream := string(domain.WalletStream(holder.ID))
	w.Forge(at, stream, 2, "coins.credited.v1", fmt.Sprintf(`{"user":%d,"order":"o","coins":5,"balance_after":5,"postings":[]}`, holder.ID), 0)
	w.Forge(at+1, stream, 3, "gift.sent.v1", fmt.Sprintf(`{"sender":%d,"streamer":%d,"live":%d,"gift":1,"name":"g","price":1,"num":40,"coins":40,"balance_after":960,
		"postings":[{"account":"user-%d","amount":-40},{"account":"earnings-%d","amount":40}]}`, holder.ID, streamer.ID, live, holder.ID, streamer.ID), live)
	other.Send(domain.SendGift{Live: live, Gift: c.Gifts[0], Num: 7})
	w.Project()
	w.RecordHolds()
	w.CatchUp()
	recorded(w, "coins.closed.v1") // before Forge needs the end of the log
	w.Forge(w.Head()+1, stream, 4, "gift.sent.v1", fmt.Sprintf(`{"sender":%d,"streamer":%d,"live":%d,"gift":1,"name":"g","price":1,"num":3,"coins":3,"balance_after":957,
		"postings":[{"account":"user-%d","amount":-3},{"account":"earnings-%d","amount":3}]}`, holder.ID, streamer.ID, live, holder.ID, streamer.ID), live)
	other.Send(domain.SendGift{Live: live, Gift: c.Gifts[0], Num: 5})
	w.CatchUp()
	read(w, func(l *ledger.Ledger) error {
		if l.Unapplied != 3 {
			t.Errorf("%d events are not applied, want 3", l.Unapplied)
		}
		return nil
	})
	w.Do(domain.SetEventAside{Position: at, Of: domain.Stream(stream), EventType: "coins.credited.v1", Reason: "entered by hand"})
	w.CatchUp()
	recorded(w, "coins.opened.v1")
	other.Send(domain.SendGift{Live: live, Gift: c.Gifts[0], Num: 2})
	w.CatchUp()
	b := foldLog(w)
	if b.after[w.Head()][domain.EarningsAccount(streamer.ID)] != 57 {
		t.Fatalf("the streamer has %d coins", b.after[w.Head()][domain.EarningsAccount(streamer.ID)])
	}
	var positions []int64
	for p := at - 2; p <= w.Head(); p++ {
		positions = append(positions, p)
	}
	expectBooks(w, b, positions)
	read(w, func(l *ledger.Ledger) error {
		s, err := l.Statement(t.Context(), domain.EarningsAccount(streamer.ID), ledger.Range{UpTo: l.Head, Limit: 10})
		if err != nil {
			return err
		}
		var balances []domain.Coins
		for _, e := range s.Entries {
			balances = append(balances, e.Balance)
		}
		if !slices.Equal(balances, []domain.Coins{40, 47, 50, 55, 57}) || s.Closing != 57 || l.Unapplied != 0 {
			t.Errorf("got %v, closing %d, %d not applied", balances, s.Closing, l.Unapplied)
		}
		return nil
	})
}
