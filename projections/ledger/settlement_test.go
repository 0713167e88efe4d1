package ledger_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"roomlog/domain"
	"roomlog/projections/ledger"
	"roomlog/projections/projtest"
)

// TestSettlement settles a period with every kind of event, and compares its sums with the log.
func TestSettlement(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	defer w.Project()()
	ann, bob := w.Register("ann"), w.Register("bob")
	live, rose := ann.GoLive("show"), w.AddGift("rose", 10)
	bob.Credit(1000)
	bob.Send(domain.SendGift{Live: live, Gift: rose, Num: 10})
	before := w.Head()
	w.Do(domain.SetShare{BasisPoints: 3333, Reason: "contract"})
	gift := bob.Send(domain.SendGift{Live: live, Gift: rose, Num: 1}).Position
	bob.Send(domain.SendGift{Live: live, Gift: rose, Num: 3})
	w.CatchUp()
	sent, received, err := w.Queries.SentGift(t.Context(), gift)
	if err != nil {
		t.Fatal(err)
	}
	refund := ann.Send(domain.RefundGift{Position: gift, Reason: "by mistake", Sent: sent, Received: received}).Position
	w.Do(domain.RequestPayout{Payout: "P1", Streamer: ann.ID, Coins: 60, Reason: "November", Received: received})
	w.Do(domain.RequestPayout{Payout: "P2", Streamer: ann.ID, Coins: 20, Reason: "December", Received: received})
	w.Do(domain.RequestPayout{Payout: "P3", Streamer: ann.ID, Coins: 5, Reason: "December", Received: received})
	w.Do(domain.CapturePayout{Payout: "P1", Reference: "T 1", Streamer: ann.ID})
	w.Do(domain.VoidPayout{Payout: "P2", Reason: "too early", Streamer: ann.ID})
	w.Do(domain.ProposeCorrection{Account: domain.EarningsAccount(ann.ID), Coins: 7, Reason: "lost", Limit: 10})
	end := w.Head()
	bob.Send(domain.SendGift{Live: live, Gift: rose, Num: 1}) // after the period
	w.CatchUp()

	settle := func(after, upTo int64) (s ledger.Settlement) {
		t.Helper()
		read(w, func(l *ledger.Ledger) (err error) {
			s, err = l.Settlement(t.Context(), w.Store.ID(), ann.ID, after, upTo)
			return err
		})
		return s
	}
	documents := func(s ledger.Settlement) ([]byte, []byte) {
		t.Helper()
		text, err := s.JSON()
		table, other := s.CSV()
		if err := errors.Join(err, other); err != nil {
			t.Fatal(err)
		}
		return text, table
	}
	s := settle(before, end)
	events := s.Events
	s.Events = nil
	want := ledger.Settlement{
		Format: "roomlog settlement 1", Log: w.Store.ID(), Streamer: ann.ID, From: before + 1, To: end,
		Opening: ledger.Owed{Earnings: 100}, Closing: ledger.Owed{Earnings: 63, Held: 5},
		Gifts: ledger.GiftSums{Count: 2, Gross: 40, Share: 12, Net: 28}, Refunds: ledger.GiftSums{Count: 1, Gross: -10, Share: -3, Net: -7},
		Payouts: ledger.PayoutSums{Requested: 85, PaidOut: 60, Void: 20}, Corrections: 7,
	}
	if got, _ := json.Marshal(s); string(got) != string(must(json.Marshal(want))) {
		t.Errorf("got %s, want %+v", got, want)
	}
	if len(events) != 9 || events[2].Position != refund || events[2].Refunds != gift || events[2].Gross != -10 || events[2].Share != -3 || events[2].Earnings != -7 || events[0].ID == "" {
		t.Errorf("got %+v", events)
	}
	statement := func(a domain.Account) (lines []string) {
		t.Helper()
		read(w, func(l *ledger.Ledger) error {
			s, err := l.Statement(t.Context(), a, ledger.Range{After: before, UpTo: end, Limit: 20})
			for _, e := range s.Entries {
				lines = append(lines, fmt.Sprint(e.Event, " ", e.Amount, " refunds ", e.Refunds, " payout ", e.Payout, " correction ", e.Correction, " of ", e.Counterparties))
			}
			return err
		})
		return lines
	}
	earned, held, corrected := statement(domain.EarningsAccount(ann.ID)), statement(domain.HeldAccount(ann.ID)), statement(domain.CorrectionAccount)
	for i, line := range map[int]string{
		2: fmt.Sprintf("gift.refunded.v2 -7 refunds %d payout  correction 0 of [user-%d platform]", gift, bob.ID),
		3: fmt.Sprintf("earnings.held.v1 -60 refunds 0 payout P1 correction 0 of [held-%d]", ann.ID),
		6: fmt.Sprintf("earnings.released.v1 20 refunds 0 payout P2 correction 0 of [held-%d]", ann.ID),
		7: "earnings.corrected.v1 7 refunds 0 payout  correction 1 of [correction]",
	} {
		if len(earned) != 8 || earned[i] != line {
			t.Errorf("line %d of the statement is %q, want %q", i, earned, line)
		}
	}
	if len(held) != 5 || held[3] != "earnings.paid_out.v1 -60 refunds 0 payout P1 correction 0 of [payout]" ||
		len(corrected) != 1 || corrected[0] != fmt.Sprintf("earnings.corrected.v1 -7 refunds 0 payout  correction 1 of [earnings-%d]", ann.ID) {
		t.Errorf("got %q and %q", held, corrected)
	}
	text, table := documents(settle(before, end))
	bob.Send(domain.SendGift{Live: live, Gift: rose, Num: 1})
	w.CatchUp()
	again, tableAgain := documents(settle(before, end))
	if !bytes.Equal(text, again) || !bytes.Equal(table, tableAgain) {
		t.Errorf("a settlement differs:\n%s\n%s", text, again)
	}
	if bytes.Contains(text, []byte("operator")) || bytes.Contains(table, []byte("operator")) || bytes.Contains(text, []byte("actor")) || bytes.Contains(table, []byte("actor")) {
		t.Errorf("a settlement names the actor:\n%s\n%s", text, table)
	}
	var decoded ledger.Settlement
	if err := json.Unmarshal(text, &decoded); err != nil || len(decoded.Events) != 9 {
		t.Errorf("%v in %s", err, text)
	}
	if lines := strings.Split(strings.TrimSpace(string(table)), "\n"); len(lines) != 1+1+9+7 || !strings.HasSuffix(lines[1], ",0,0,100,0") || !strings.HasSuffix(lines[17], ",0,0,63,5") {
		t.Errorf("got %s", table)
	}
	if empty, _ := documents(settle(0, 1)); !strings.HasSuffix(string(empty), "\"events\":[]}\n") {
		t.Errorf("got %s", empty)
	}
	read(w, func(l *ledger.Ledger) error {
		if err := l.CheckPeriod("2026-12-01", l.Head); !errors.Is(err, ledger.ErrPeriodOpen) {
			t.Errorf("got %v", err)
		}
		return errors.Join(l.CheckPeriod("2026-12-01", l.Head-1), l.CheckPeriod("4711", l.Head))
	})

	// Somebody moves a coin from the earnings to the held coins in the table, but the sum of all accounts stays 0.
	for account, coins := range map[domain.Account]int{domain.EarningsAccount(ann.ID): -1, domain.HeldAccount(ann.ID): 1} {
		w.Exec("UPDATE read.coin_movement SET balance_after = balance_after + $1 WHERE account = $2 AND position = (SELECT max(position) FROM read.coin_movement WHERE account = $2 AND position <= $3)",
			coins, account, end)
	}
	read(w, func(l *ledger.Ledger) error {
		_, err := l.Settlement(t.Context(), w.Store.ID(), ann.ID, before, end)
		if want := fmt.Sprintf("the events lead to earnings 63 and held 5 at position %d, the tables have 62 and 6: run roomlog verify", end); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		return nil
	})
}

// TestSettlementOfAnEarlierVersion settles the refund of a ticket that the log has in the first version, without a position.
func TestSettlementOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	defer w.Project()()
	ann, bob := w.Register("ann"), w.Register("bob")
	live := ann.CreateLive("show")
	bob.Credit(100)
	ann.Send(domain.SetAccess{Live: live, Access: domain.AccessPaid, Price: 30})
	bob.Send(domain.BuyTicket{Live: live, Price: 30, Streamer: ann.ID})
	wallet := domain.WalletStream(bob.ID)
	w.Forge(w.Head()+1, string(wallet), int(w.Int("SELECT max(version) + 1 FROM public.events WHERE stream = $1", wallet)), "ticket.refunded.v1", fmt.Sprintf(
		`{"user":%d,"streamer":%d,"live":%d,"coins":30,"share":0,"balance_after":100,"postings":[{"account":"earnings-%[2]d","amount":-30},{"account":"user-%[1]d","amount":30}]}`, bob.ID, ann.ID, live), live)
	w.CatchUp()
	read(w, func(l *ledger.Ledger) error {
		s, err := l.Settlement(t.Context(), w.Store.ID(), ann.ID, 0, l.Head)
		want := ledger.GiftSums{Count: 1, Gross: -30, Net: -30}
		if s.Returned != want || s.Refunds != (ledger.GiftSums{}) || s.Tickets.Count != 1 || len(s.Events) != 2 || s.Events[1].Event != "ticket.refunded.v1" {
			t.Errorf("got %+v", s)
		}
		return err
	})
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}
