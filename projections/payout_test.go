package projections_test

import (
	"testing"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/projections/projtest"
)

// TestSharesAndPayoutsChangeEveryTable splits, pays out and refunds gifts while the projector runs, and rebuilds and verifies the
// tables. The first gift is an event of an earlier version.
func TestSharesAndPayoutsChangeEveryTable(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	ann, bob := w.Register("ann"), w.Register("bob")
	live, rose := ann.GoLive("show"), w.AddGift("rose", 10)
	bob.Credit(100)
	bob.Send(domain.SendGift{Live: live, Gift: rose, Num: 1})
	w.Exec(`SET session_replication_role = replica;
		UPDATE public.events SET type = 'gift.sent.v1', payload = replace(payload::text, '"share_rule":0,"basis_points":0,"share":0,', '')::json WHERE type = 'gift.sent.v2';
		SET session_replication_role = origin`)
	stop := w.Project()
	w.Do(domain.SetShare{BasisPoints: 2500, Reason: "contract"})
	first := bob.Send(domain.SendGift{Live: live, Gift: rose, Num: 1}).Position
	second := bob.Send(domain.SendGift{Live: live, Gift: rose, Num: 2}).Position
	w.CatchUp()
	received, err := w.Queries.Received(t.Context(), "earnings-1")
	if err != nil || received != 10+8+15 {
		t.Fatal(received, err)
	}
	w.Do(domain.RequestPayout{Payout: "P1", Streamer: ann.ID, Coins: 20, Reason: "November", Received: received})
	w.Do(domain.RequestPayout{Payout: "P2", Streamer: ann.ID, Coins: 5, Reason: "December", Received: received})
	w.Do(domain.CapturePayout{Payout: "P1", Reference: "T 1", Streamer: ann.ID})
	w.CatchUp()
	sent, received, err := w.Queries.SentGift(t.Context(), second)
	if err != nil || sent.Coins != 20 || sent.Share != 5 {
		t.Fatal(sent, err)
	}
	refund := domain.RefundGift{Position: second, Reason: "by mistake", Sent: sent, Received: received}
	if _, err := w.Sequencer.Execute(t.Context(), domain.Request{Command: refund, Actor: projtest.Operator}); domain.AsRefusal(err) == nil {
		t.Fatalf("the earnings are held and paid out, got %v", err)
	}
	w.Do(domain.VoidPayout{Payout: "P2", Reason: "too early", Streamer: ann.ID})
	sent, received, err = w.Queries.SentGift(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	ann.Send(domain.RefundGift{Position: first, Reason: "by mistake", Sent: sent, Received: received})
	w.CatchUp()
	expect := func() {
		t.Helper()
		if got, want := w.Text("SELECT account || ' ' || balance FROM read.coin WHERE balance <> 0 ORDER BY account"), "earnings-1 5 operator -100 payout 20 platform 5 user-2 70"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		found, err := w.Queries.Payouts(t.Context(), projections.PayoutFilter{Streamer: ann.ID, Window: projections.Window{OldestFirst: true, Limit: 9}})
		if err != nil || len(found) != 2 || found[0].Status != domain.PayoutPaid || found[0].Note != "T 1" || found[1].Status != domain.PayoutVoid || found[1].Note != "too early" || found[1].Decider != "operator" {
			t.Errorf("got %+v, %v", found, err)
		}
		rules, err := w.Queries.ShareRules(t.Context(), 0, 9)
		if err != nil || len(rules) != 1 || rules[0].BasisPoints != 2500 || rules[0].Actor != "operator" {
			t.Errorf("got %+v, %v", rules, err)
		}
	}
	expect()
	stop()
	w.Rebuild() // one batch contains everything
	expect()
	w.Verify()
}
