package projections_test

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"testing"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/projections/ledger"
	"roomlog/projections/projtest"
)

// TestTickets sells and refunds tickets of two prices with two shares of the platform, while the projector runs. It then settles,
// forgets a user, rebuilds the tables with one batch, and verifies them.
func TestTickets(t *testing.T) {
	t.Parallel()
	w, ctx := projtest.New(t), t.Context()
	stop := w.Project()
	ann, bob, cat := w.Register("ann"), w.Register("bob"), w.Register("cat")
	bob.Credit(100)
	cat.Credit(100)
	live := ann.CreateLive("show")
	paid := func(price domain.Coins) {
		t.Helper()
		ann.Send(domain.SetAccess{Live: live, Access: domain.AccessPaid, Price: price})
	}
	buy := func(u projtest.User, price domain.Coins) int64 {
		t.Helper()
		return u.Send(domain.BuyTicket{Live: live, Price: price, Streamer: ann.ID}).Events[0].Position
	}
	refund := func(u projtest.User) int64 {
		t.Helper()
		w.CatchUp()
		received := must[domain.Coins](t)(w.Queries.Received(ctx, domain.EarningsAccount(ann.ID)))
		ticket := must[int64](t)(w.Queries.TicketPosition(ctx, live, u.ID))
		return ann.Send(domain.RefundTicket{Live: live, User: u.ID, Reason: "ill", Streamer: ann.ID, Position: ticket, Received: received}).Events[0].Position
	}
	paid(30)
	first := buy(bob, 30)
	w.Do(domain.SetShare{BasisPoints: 3000, Reason: "new contract"})
	paid(40)
	second := buy(cat, 40)
	one := refund(bob)
	third := buy(bob, 40)
	two := refund(bob)
	w.CatchUp()

	expect := func() {
		t.Helper()
		want := []projections.Ticket{
			{Position: first, Live: live, User: bob.ID, Coins: 30, Returned: one, Reason: "ill"},
			{Position: second, Live: live, User: cat.ID, Coins: 40, Share: 12},
			{Position: third, Live: live, User: bob.ID, Coins: 40, Share: 12, Returned: two, Reason: "ill"},
		}
		got := must[[]projections.Ticket](t)(w.Queries.Tickets(ctx, projections.TicketFilter{Live: live, Window: projections.Window{OldestFirst: true, Limit: 9}}))
		for i := range got {
			got[i].At, got[i].Buyer = want[0].At, projections.Profile{}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if valid := must[[]projections.Ticket](t)(w.Queries.Tickets(ctx, projections.TicketFilter{Live: live, Valid: true, Window: projections.Window{Limit: 9}})); len(valid) != 1 || valid[0].Position != second {
			t.Errorf("valid: %+v", valid)
		}
		if own := must[[]projections.Ticket](t)(w.Queries.Tickets(ctx, projections.TicketFilter{User: bob.ID, Window: projections.Window{Limit: 9}})); len(own) != 2 || own[0].Position != third {
			t.Errorf("own: %+v", own)
		}
		if sums := must[projections.TicketSums](t)(w.Queries.TicketSums(ctx, live)); sums != (projections.TicketSums{Sold: 3, Refunded: 2, Coins: 40, Share: 12}) {
			t.Errorf("sums: %+v", sums)
		}
		if got := w.Text("SELECT string_agg(account || ' ' || balance || ' of ' || received, ', ' ORDER BY account) FROM read.coin WHERE account <> 'operator'"); got != "earnings-1 28 of 86, platform 12 of 24, user-2 100 of 0, user-3 60 of 0" {
			t.Errorf("balances: %s", got)
		}
	}
	expect()
	var s ledger.Settlement
	refunds := map[string]string{} // by account, the position of each refund and of the payment that it refunds
	if err := ledger.Snapshot(ctx, w.Store.Pool(), func(l *ledger.Ledger) (err error) {
		for _, a := range []domain.Account{domain.WalletAccount(bob.ID), domain.EarningsAccount(ann.ID), domain.PlatformAccount} {
			st, err := l.Statement(ctx, a, ledger.Range{UpTo: l.Head, Limit: 99})
			if err != nil {
				return err
			}
			for _, e := range st.Entries {
				if e.Refunds != 0 {
					refunds[string(a)] += fmt.Sprintf("%d of %d, ", e.Position, e.Refunds)
				}
			}
		}
		s, err = l.Settlement(ctx, "log", ann.ID, 0, l.Head)
		for _, e := range s.Events {
			if e.Refunds != 0 {
				refunds["settlement"] += fmt.Sprintf("%d of %d, ", e.Position, e.Refunds)
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	// The payment directly follows the ticket, and the coins come back two events after the ticket was returned.
	oneOf, twoOf := fmt.Sprintf("%d of %d, ", one+2, first+1), fmt.Sprintf("%d of %d, ", two+2, third+1)
	if want := map[string]string{"user-2": oneOf + twoOf, "earnings-1": oneOf + twoOf, "platform": twoOf, "settlement": oneOf + twoOf}; !maps.Equal(refunds, want) {
		t.Errorf("the refunds are %v, want %v", refunds, want)
	}
	tickets, returned := ledger.GiftSums{Count: 3, Gross: 110, Share: 24, Net: 86}, ledger.GiftSums{Count: 2, Gross: -70, Share: -12, Net: -58}
	if s.Tickets != tickets || s.Returned != returned || s.Gifts != (ledger.GiftSums{}) || s.Refunds != (ledger.GiftSums{}) || s.Closing.Earnings != 28 {
		t.Errorf("got %+v", s)
	}
	w.Do(domain.ForgetUser{User: bob.ID})
	w.CatchUp()
	stop()
	w.Rebuild() // one batch contains all tickets and refunds
	expect()
	w.Verify()
}

// TestATicketIsBoughtOnceByManyRequestsAtOnce sends the same purchase and the same refund many times at once, without keys.
func TestATicketIsBoughtOnceByManyRequestsAtOnce(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	w.Project()
	ann, bob := w.Register("ann"), w.Register("bob")
	bob.Credit(100)
	live := ann.CreateLive("show")
	ann.Send(domain.SetAccess{Live: live, Access: domain.AccessPaid, Price: 30})
	atOnce := func(by domain.Actor, c domain.Command, refused domain.Code) {
		t.Helper()
		var done atomic.Int64
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				_, err := w.Sequencer.Execute(t.Context(), domain.Request{Command: c, Actor: by})
				var refusal *domain.Refusal
				switch {
				case err == nil:
					done.Add(1)
				case !errors.As(err, &refusal) || refusal.Code != refused:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := done.Load(); n != 1 {
			t.Errorf("%s succeeded %d times", c.Type(), n)
		}
	}
	atOnce(bob.Actor(), domain.BuyTicket{Live: live, Price: 30, Streamer: ann.ID}, domain.CodeTicketNotNeeded)
	w.CatchUp()
	ticket := must[int64](t)(w.Queries.TicketPosition(t.Context(), live, bob.ID))
	atOnce(ann.Actor(), domain.RefundTicket{Live: live, User: bob.ID, Reason: "ill", Streamer: ann.ID, Position: ticket, Received: 30}, domain.CodeTicketNotFound)
	w.CatchUp()
	if got := must[int64](t)(w.Queries.TicketPosition(t.Context(), live, bob.ID)); got != 0 {
		t.Errorf("a refunded ticket is at position %d", got)
	}
	if got := must[domain.Coins](t)(w.Queries.Balance(t.Context(), bob.ID)); got != 100 {
		t.Errorf("the wallet has %d coins", got)
	}
	w.Verify()
}
