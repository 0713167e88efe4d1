package projections_test

import (
	"fmt"
	"strings"
	"testing"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/projections/projtest"
)

// TestRefundsChangeEveryTable refunds gifts while the projector runs, and rebuilds and verifies the tables.
func TestRefundsChangeEveryTable(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	stop := w.Project()
	ann, bob := w.Register("ann"), w.Register("bob")
	live, rose := ann.GoLive("show"), w.AddGift("rose", 10)
	bob.Credit(100)
	first := bob.Send(domain.SendGift{Live: live, Gift: rose, Num: 3}).Position
	second := bob.Send(domain.SendGift{Live: live, Gift: rose, Num: 1}).Position
	w.CatchUp()
	refund := func(position int64) int64 {
		t.Helper()
		sent, received, err := w.Queries.SentGift(t.Context(), position)
		if err != nil {
			t.Fatal(err)
		}
		r := ann.Send(domain.RefundGift{Position: position, Reason: "by mistake", Sent: sent, Received: received})
		w.CatchUp()
		return r.Position
	}
	expect := func(wallet, earnings, live int64, refunds ...int64) {
		t.Helper()
		if got := w.Text("SELECT balance::text FROM read.coin WHERE account = 'user-2' UNION ALL SELECT balance || ' of ' || received FROM read.coin WHERE account = 'earnings-1' UNION ALL SELECT coins::text FROM read.live_coin"); got != text(wallet, earnings, "of 40", live) {
			t.Errorf("got %s, want %s", got, text(wallet, earnings, "of 40", live))
		}
		found, err := w.Queries.GiftHistory(t.Context(), projections.GiftFilter{Window: projections.Window{OldestFirst: true, Limit: 9}})
		if err != nil || found[0].Refunded != refunds[0] || found[1].Refunded != refunds[1] {
			t.Errorf("got %+v, %v, want the refunds %v", found, err, refunds)
		}
	}
	expect(60, 40, 40, 0, 0)
	one := refund(first)
	expect(90, 10, 10, one, 0)
	two := refund(second)
	expect(100, 0, 0, one, two)
	stop()
	w.Rebuild() // one batch contains the gifts and the refunds
	expect(100, 0, 0, one, two)
	w.Verify()
}

// TestARefundOfAnotherAmountIsNotApplied forges a refund of more coins than the gift had.
func TestARefundOfAnotherAmountIsNotApplied(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	w.Project()
	ann, bob := w.Register("ann"), w.Register("bob")
	live, rose := ann.GoLive("show"), w.AddGift("rose", 10)
	bob.Credit(100)
	gift := bob.Send(domain.SendGift{Live: live, Gift: rose, Num: 1}).Position
	bob.Send(domain.SendGift{Live: live, Gift: rose, Num: 1})
	w.Forge(w.Head()+1, "wallet-2", 4, "gift.refunded.v2", text(`{"sender":2,"streamer":1,"live":1,"gift":1,"num":1,"coins":20,"balance_after":100,"reason":"",`,
		`"postings":[{"account":"earnings-1","amount":-20},{"account":"user-2","amount":20}],"position":`, gift, "}"), live)
	w.CatchUp()
	if got := w.Text("SELECT position || ' ' || cause FROM read.poison"); got != text(w.Head(), "fold: 0 rows of 1 that the events are about") {
		t.Errorf("got %q", got)
	}
	if n := w.Int("SELECT count(*) FROM read.coin_hold WHERE user_id = 2"); n != 1 {
		t.Errorf("%d holds", n)
	}
}

// text returns the values, separated by spaces.
func text(values ...any) string { return strings.TrimSuffix(fmt.Sprintln(values...), "\n") }
