package projections_test

import (
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/projections/projtest"
)

// TestCorrectionsChangeEveryTable corrects a wallet and earnings while the projector runs, and rebuilds and verifies the
// tables.
func TestCorrectionsChangeEveryTable(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	stop := w.Project()
	ann, bob := w.Register("ann"), w.Register("bob")
	live, rose := ann.GoLive("show"), w.AddGift("rose", 10)
	bob.Credit(100)
	bob.Send(domain.SendGift{Live: live, Gift: rose, Num: 3})
	w.CatchUp()
	received, err := w.Queries.Received(t.Context(), "earnings-1")
	if err != nil || received != 30 {
		t.Fatal(received, err)
	}
	second := domain.OperatorActor("second")
	w.Do(domain.ProposeCorrection{Account: "user-2", Coins: -20, Reason: "credited twice", Limit: 20, Period: time.Hour})
	w.Do(domain.ProposeCorrection{Account: "earnings-1", Coins: -30, Reason: "fraud", Limit: 20, Period: time.Hour, Received: received})
	w.Do(domain.ProposeCorrection{Account: "user-2", Coins: 1000, Reason: "lost", Limit: 20, Period: time.Hour})
	w.Execute(domain.Request{Command: domain.ApproveCorrection{Correction: 2, Account: "earnings-1", Received: received}, Actor: second})
	w.Execute(domain.Request{Command: domain.RejectCorrection{Correction: 3, Reason: "no receipt"}, Actor: second})
	w.CatchUp()
	expect := func() {
		t.Helper()
		if got := w.Text("SELECT account || ' ' || balance FROM read.coin ORDER BY account"); got != "correction 50 earnings-1 0 operator -100 user-2 50" {
			t.Errorf("got %s", got)
		}
		found, err := w.Queries.Corrections(t.Context(), false, 0, 10)
		if err != nil || len(found) != 3 || found[0].Status != projections.CorrectionRejected || found[1].Status != projections.CorrectionBooked || found[2].Status != projections.CorrectionBooked || found[2].Proposer != "operator" {
			t.Errorf("got %+v, %v", found, err)
		}
		open, err := w.Queries.Corrections(t.Context(), true, 3, 10)
		if err != nil || len(open) != 0 {
			t.Errorf("got %+v, %v", open, err)
		}
	}
	expect()
	stop()
	w.Rebuild()
	expect()
	w.Verify()
}
