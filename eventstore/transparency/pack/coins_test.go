package pack_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore/transparency/pack"
	"roomlog/projections/ledger"
	"roomlog/projections/projtest"
)

// newBooks returns a log with every kind of event that moves coins, and the position before which a range may begin: the sale
// of the ticket and the gift are before it, their refunds and the payouts are after it.
func newBooks(t *testing.T) (*world, int64) {
	w := &world{World: projtest.New(t)}
	t.Cleanup(w.Project())
	rose := w.AddGift("rose", 10)
	ann, bob := w.Register("ann"), w.Register("bob")
	w.bob = bob
	day, night := ann.GoLive("show"), ann.CreateLive("night")
	bob.Credit(1000)
	bob.Send(domain.PlaceOrder{Order: "paid", Price: 5, Coins: 50})
	w.Execute(domain.Request{Actor: domain.Actor{Kind: domain.PaymentProvider}, Command: domain.PayOrder{Order: "paid", User: bob.ID, Price: 5}})
	w.Do(domain.SetShare{BasisPoints: 2500, Reason: "contract"})
	gift := bob.Send(domain.SendGift{Live: day, Gift: rose, Num: 4}).Position
	bob.Send(domain.SendGift{Live: day, Gift: rose, Num: 8})
	ann.Send(domain.SetAccess{Live: night, Access: domain.AccessPaid, Price: 30})
	ticket := bob.Send(domain.BuyTicket{Live: night, Price: 30, Streamer: ann.ID}).Events[0].Position
	half := w.Head()
	w.Do(domain.SetShare{BasisPoints: 5000, Reason: "another contract"}) // refunds have the share of the payment
	w.CatchUp()
	sent, received, err := w.Queries.SentGift(t.Context(), gift)
	if err != nil {
		t.Fatal(err)
	}
	ann.Send(domain.RefundGift{Position: gift, Reason: "by mistake", Sent: sent, Received: received})
	ann.Send(domain.RefundTicket{Live: night, User: bob.ID, Reason: "ill", Streamer: ann.ID, Position: ticket, Received: received})
	for id, coins := range map[domain.PayoutID]domain.Coins{"paid": 20, "void": 7, "held": 3} {
		w.Do(domain.RequestPayout{Payout: id, Streamer: ann.ID, Coins: coins, Reason: "November", Received: received})
	}
	w.Do(domain.CapturePayout{Payout: "paid", Reference: "T 1", Streamer: ann.ID})
	w.Do(domain.VoidPayout{Payout: "void", Reason: "too early", Streamer: ann.ID})
	approved := w.Do(domain.ProposeCorrection{Account: domain.WalletAccount(bob.ID), Coins: -9, Reason: "paid twice", Limit: 1, Period: time.Hour})
	w.Execute(domain.Request{Actor: domain.OperatorActor("bea"), Command: domain.ApproveCorrection{
		Correction: approved.Events[0].Event.(domain.CorrectionProposed).Correction, Account: domain.WalletAccount(bob.ID)}})
	w.Do(domain.ProposeCorrection{Account: domain.EarningsAccount(ann.ID), Coins: 6, Reason: "lost", Limit: 10, Period: time.Hour, Received: received})
	w.CatchUp()
	w.GrowTree()
	return w, half
}

// statementOf returns the lines of an account in a pack, in the form of entryLine.
func statementOf(t testing.TB, content []byte, account string) (lines []string) {
	t.Helper()
	for _, row := range rows(t, filesOf(t, content)["statements.csv"]) {
		if row["account"] == account {
			lines = append(lines, strings.Join([]string{row["position"], row["type"], row["actor"], row["counterparty"], row["order"], row["live"], row["gift"], row["refunds"], row["payout"], row["correction"], row["amount"], row["balance"]}, "|"))
		}
	}
	return lines
}

func entryLine(e ledger.Entry) string {
	optional := func(n int64) string { return strings.TrimSuffix(fmt.Sprint(n), map[bool]string{true: "0"}[n == 0]) }
	var others []string
	for _, a := range e.Counterparties {
		others = append(others, string(a))
	}
	return strings.Join([]string{fmt.Sprint(e.Position), e.Event, e.Actor, strings.Join(others, " "), string(e.Order), optional(int64(e.Live)), optional(int64(e.Gift)),
		optional(e.Refunds), string(e.Payout), optional(int64(e.Correction)), fmt.Sprint(e.Amount), fmt.Sprint(e.Balance)}, "|")
}

// TestPackHasEveryCoinEvent compares the statements of a pack, which follow from its events, with those of the ledger, which
// follow from the tables, for every account and every column. Each type of event that moves coins occurs.
func TestPackHasEveryCoinEvent(t *testing.T) {
	t.Parallel()
	w, half := newBooks(t)
	_, known := w.signed()
	for _, from := range []int64{1, half + 1} {
		content := w.pack(from, w.Head())
		if _, err := verify(content, known, nil); err != nil {
			t.Fatal(err)
		}
		balance := map[string]map[string]string{}
		for _, row := range rows(t, filesOf(t, content)["trial_balance.csv"]) {
			balance[row["account"]] = row
		}
		err := ledger.Snapshot(t.Context(), w.Pool, func(l *ledger.Ledger) error {
			accounts := []domain.Account{"operator", "provider", "correction", "platform", "payout", "user-2", "earnings-1", "held-1"}
			if len(balance) != len(accounts) {
				t.Errorf("from %d: the trial balance has %v", from, balance)
			}
			for _, account := range accounts {
				s, err := l.Statement(t.Context(), account, ledger.Range{After: from - 1, UpTo: w.Head(), Limit: 100})
				if err != nil {
					return err
				}
				var want []string
				for _, e := range s.Entries {
					want = append(want, entryLine(e))
				}
				if got := statementOf(t, content, string(account)); !slices.Equal(got, want) || len(got) == 0 && from == 1 {
					t.Errorf("from %d: the pack has for %s\n%s\nthe ledger\n%s", from, account, strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
				if row := balance[string(account)]; row["opening"] != fmt.Sprint(s.Opening) || row["closing"] != fmt.Sprint(s.Closing) {
					t.Errorf("from %d: %s has %v in the trial balance, %d and %d in the ledger", from, account, row, s.Opening, s.Closing)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	types := map[string]bool{}
	for _, row := range rows(t, filesOf(t, w.pack(1, w.Head()))["statements.csv"]) {
		types[row["type"]] = true
	}
	for _, spec := range domain.Events {
		if _, coins := spec.Zero.(domain.CoinEvent); coins && !types[spec.Type] {
			t.Errorf("no posting of %s", spec.Type)
		}
	}
}

// TestEveryChangeOfAPostingIsFound changes each column of each line of the statements, removes each line, and exchanges each with
// the one before. The verification names the position of the line.
func TestEveryChangeOfAPostingIsFound(t *testing.T) {
	t.Parallel()
	w, half := newBooks(t)
	_, known := w.signed()
	content := w.pack(half+1, w.Head())
	lines, err := csv.NewReader(bytes.NewReader(filesOf(t, content)["statements.csv"])).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, changed [][]string, position string) {
		t.Helper()
		var b bytes.Buffer
		if err := csv.NewWriter(&b).WriteAll(changed); err != nil {
			t.Fatal(err)
		}
		_, err := verify(rewrite(t, content, map[string][]byte{"statements.csv": b.Bytes()}), known, nil)
		if err == nil || !strings.Contains(err.Error(), "position "+position+": statements.csv does not say what the event says") {
			t.Errorf("%s at position %s: %v", what, position, err)
		}
	}
	kinds := map[string]bool{}
	for i, line := range lines[1:] {
		i++
		kinds[line[6]] = true
		for column, value := range line {
			changed := slices.Clone(line)
			changed[column] = value + "1"
			check(lines[0][column], slices.Replace(slices.Clone(lines), i, i+1, changed), line[0])
		}
		if i+1 < len(lines) {
			check("a removed line", slices.Delete(slices.Clone(lines), i, i+1), line[0])
		}
		if i > 1 {
			changed := slices.Clone(lines)
			changed[i-1], changed[i] = lines[i], lines[i-1]
			check("an exchanged line", changed, lines[i-1][0])
		}
	}
	for _, kind := range []string{"earnings.held.v1", "earnings.paid_out.v1", "earnings.released.v1", "ticket.refunded.v2", "gift.refunded.v2", "earnings.corrected.v1", "coins.corrected.v1"} {
		if !kinds[kind] {
			t.Errorf("no line of %s was changed", kind)
		}
	}
	for _, account := range []string{"payout", "held-1", "earnings-1", "platform", "correction"} {
		file := filesOf(t, content)["trial_balance.csv"]
		line := file[bytes.Index(file, []byte("\n"+account+","))+1:]
		line = line[:bytes.IndexByte(line, '\n')]
		removed := bytes.Replace(file, append(bytes.Clone(line), '\n'), nil, 1)
		if _, err := verify(rewrite(t, content, map[string][]byte{"trial_balance.csv": removed}), known, nil); err == nil {
			t.Errorf("the balance of %s is missing, and nobody notices", account)
		}
	}
}

// TestPackOfTheFirstFormat verifies a pack whose statements have the columns of the first format, and refuses the columns of one
// format in the other.
func TestPackOfTheFirstFormat(t *testing.T) {
	t.Parallel()
	w, _ := newBooks(t)
	_, known := w.signed()
	content := w.pack(1, w.Head())
	var older bytes.Buffer
	for line := range bytes.Lines(filesOf(t, content)["statements.csv"]) {
		for range 3 {
			line = line[:bytes.LastIndexByte(line, ',')]
		}
		older.Write(append(bytes.Clone(line), '\n'))
	}
	relabel := func(content []byte) []byte {
		text := bytes.Replace(filesOf(t, content)["manifest.json"], []byte(`"roomlog pack 2"`), []byte(`"roomlog pack 1"`), 1)
		files := filesOf(t, content)
		files["manifest.json"] = text
		return archiveOf(t, files, time.Time{})
	}
	short := rewrite(t, content, map[string][]byte{"statements.csv": older.Bytes()})
	if report, err := verify(relabel(short), known, nil); err != nil || report.Format != "roomlog pack 1" {
		t.Errorf("the first format: %+v, %v", report, err)
	}
	expectFault(t, short, known, nil, "statements.csv: line 1", 0)
	expectFault(t, relabel(content), known, nil, "statements.csv: line 1", 0)
	var before pack.Report
	var err error
	if before, err = verify(relabel(short), known, nil); err != nil {
		t.Fatal(err)
	}
	w.AddGift("another", 10)
	w.GrowTree()
	if _, err := verify(w.pack(before.To+1, w.Head()), known, &before); err != nil {
		t.Errorf("a pack after one of the first format: %v", err)
	}
}

// TestPackOfARefundOfAnotherPayment refunds a ticket with the position of another event, as a wrong row of table ticket causes it.
// The payment is in the range, or before it.
func TestPackOfARefundOfAnotherPayment(t *testing.T) {
	t.Parallel()
	w, _ := newBooks(t)
	ann := w.SignIn(1)
	live := ann.CreateLive("morning")
	ann.Send(domain.SetAccess{Live: live, Access: domain.AccessPaid, Price: 30})
	paid := w.bob.Send(domain.BuyTicket{Live: live, Price: 30, Streamer: ann.ID}).Events[1].Position
	ann.Send(domain.RefundTicket{Live: live, User: w.bob.ID, Reason: "ill", Streamer: ann.ID, Position: paid - 2, Received: 1000})
	w.GrowTree()
	signed, _ := w.signed()
	want := fmt.Sprintf("the ticket of user %d for live %d was paid at position %d, not %d", w.bob.ID, live, paid, paid-1)
	for _, from := range []int64{1, paid + 1} {
		err := w.write(t.Context(), pack.Range{From: from, To: w.Head(), Signed: signed}, filepath.Join(t.TempDir(), "pack"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("from %d: got %v, want %s", from, err, want)
		}
	}
	later := w.Head() + 1
	w.bob.Credit(1)
	w.CatchUp()
	w.GrowTree()
	for _, row := range rows(t, filesOf(t, w.pack(later, w.Head()))["trial_balance.csv"]) {
		if balance := w.Int("SELECT balance FROM read.coin WHERE account = $1", row["account"]); row["closing"] != fmt.Sprint(balance) {
			t.Errorf("after the refund, %s has %s in the pack, %d in the tables", row["account"], row["closing"], balance)
		}
	}
}
