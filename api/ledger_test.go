package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"roomlog/domain"
)

func TestLedger(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a, b, auditor := d.account("alice"), d.account("bob"), d.account("carol")
	d.operator(domain.GrantRole{User: auditor.ID, Role: domain.RoleAuditor})
	gift, live := d.gift("Rose", 10), b.onAir("show")
	a.credit(100)
	for range 3 {
		a.command(domain.SendGift{Live: live, Gift: gift, Num: 2})
	}
	type balance struct {
		Position, Sum int64
		Totals        []struct {
			Kind              string
			Accounts, Balance int64
		}
		Accounts []struct {
			Account string
			Balance int64
		}
		Next *string
	}
	type statement struct {
		Opening, Closing int64
		Items            []struct {
			Position, Amount, Balance int64
			Event, Actor              string
			Counterparties            []string
		}
		Cursor *string
	}
	wallet, earnings := fmt.Sprint("user-", a.ID), fmt.Sprint("earnings-", b.ID)
	var now balance
	auditor.get("/api/ledger/balance?limit=2").ok(&now)
	if got := fmt.Sprint(now.Sum, now.Totals, now.Accounts); got != fmt.Sprintf("0 [{earnings 1 60} {operator 1 -100} {user 1 40}] [{%s 60} {operator -100}]", earnings) || *now.Next != "operator" {
		t.Errorf("got %s", got)
	}
	var rest balance
	auditor.get("/api/ledger/balance?limit=2&after=operator").ok(&rest)
	if got := fmt.Sprint(rest.Accounts); got != fmt.Sprintf("[{%s 40}]", wallet) || rest.Next != nil {
		t.Errorf("got %s", got)
	}

	var whole, page, part statement
	auditor.get("/api/ledger/statement?after=0&account=" + wallet).ok(&whole)
	if len(whole.Items) != 4 || whole.Opening != 0 || whole.Closing != 40 {
		t.Fatalf("got %+v", whole)
	}
	if last := whole.Items[3]; last.Amount != -20 || last.Balance != 40 || last.Event != "gift.sent.v2" || last.Actor != wallet || fmt.Sprint(last.Counterparties) != "["+earnings+"]" {
		t.Errorf("got %+v", last)
	}
	auditor.get("/api/ledger/statement?limit=1&account=" + wallet).ok(&page)
	auditor.get("/api/ledger/statement?limit=1&before=" + *page.Cursor + "&account=" + wallet).ok(&page)
	if page.Items[0].Balance != 60 || page.Closing != 40 {
		t.Errorf("got %+v", page)
	}
	first, second := whole.Items[1].Position, whole.Items[2].Position
	auditor.get(fmt.Sprintf("/api/ledger/statement?from=%d&to=%d&account=%s", first, second, wallet)).ok(&part)
	if part.Opening != 100 || part.Closing != 60 || len(part.Items) != 2 {
		t.Errorf("got %+v", part)
	}
	var then balance
	auditor.get(fmt.Sprintf("/api/ledger/balance?at=%d", first)).ok(&then)
	if then.Position != first || then.Sum != 0 || fmt.Sprint(then.Accounts[0]) != fmt.Sprintf("{%s 20}", earnings) {
		t.Errorf("got %+v", then)
	}

	for path, want := range map[string]string{
		"balance?at=yesterday":                             "at must be a position like 4711, a day",
		"balance?at=99999":                                 "at must be at most",
		"balance?at=2999-01-01":                            "at must not be in the future",
		"balance?after=%00":                                "after must be text in UTF-8 without the character NUL",
		"balance?after=user-%ff":                           "after must be text in UTF-8 without the character NUL",
		"statement":                                        "account is missing: send provider, operator",
		"balance?position=1":                               "there is no query parameter",
		"statement?account=user-0":                         "account must be provider, operator, correction, platform, payout, user-ID",
		"statement?account=provider&from=5&to=3":           "from must not be after to",
		"statement?account=provider&after=0&before=1.1234": "send either after or before",
	} {
		if got := auditor.get("/api/ledger/" + path); got.status != 400 || !strings.Contains(string(got.raw), want) {
			t.Errorf("%s: got %d %s, want %q", path, got.status, got.raw, want)
		}
	}
	var agreement struct {
		State          string
		Position, Head int64
		Checks         []struct{ Name, State, Sentence string }
		Unfinished     map[string]any
	}
	auditor.get("/api/ledger/reconciliation").ok(&agreement).keysOf("data checks [0]", "name", "state", "position", "sentence")
	// no server signs a transparency log in this test
	if got := fmt.Sprintf("%s %d %d %v", agreement.State, agreement.Position, len(agreement.Checks), agreement.Checks[1]); agreement.Head < second || got != "pending 0 7 {ledger ok The balances of 3 accounts add up to 0.}" {
		t.Errorf("got %s in %+v", got, agreement)
	}
	auditor.get("/api/ledger/reconciliation?at=5").expectFailure(400, domain.CodeBadRequest, textBad)
	a.get("/api/ledger/reconciliation").expectFailure(403, domain.CodeForbidden, textNoToken)
	auditor.get("/api/ledger/balance?at=2.00000000").expectFailure(409, "cursor_lost", textBad)
	refusesBadPeriods(auditor, "/api/ledger/statement?account=provider&")
	a.get("/api/ledger/balance").expectFailure(403, domain.CodeForbidden, textNoToken)
	a.get("/api/ledger/statement?account="+wallet).expectFailure(403, domain.CodeForbidden, textNoToken)
}

func TestCorrectionOverREST(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a, first, second := d.account("alice"), d.account("bob").grant(domain.RoleOperator), d.account("carol").grant(domain.RoleOperator)
	type correction struct {
		ID     int64
		Status string
	}
	wallet := fmt.Sprint("user-", a.ID)
	var small, large correction
	first.post("/api/operator/correction", object{"account": wallet, "coins": 1000, "reason": "lost"}, "Idempotency-Key", "k").ok(&small)
	first.post("/api/operator/correction", object{"account": wallet, "coins": 1000, "reason": "lost"}, "Idempotency-Key", "k").ok(&small)
	first.post("/api/operator/correction", object{"account": wallet, "coins": 1001, "reason": "lost"}).ok(&large)
	if small.Status != "booked" || large.Status != "open" || large.ID != small.ID+1 {
		t.Errorf("got %+v, %+v", small, large)
	}
	a.post("/api/operator/correction/approve", object{"id": large.ID}).expectFailure(403, domain.CodeForbidden, textNoToken)
	first.post("/api/operator/correction/approve", object{"id": large.ID}).expectFailure(403, domain.CodeForbidden, textNoToken)
	second.post("/api/operator/correction/approve", object{"id": 99}).expectFailure(404, domain.CodeCorrectionNotFound, "更正记录不存在")
	var open, all []correction
	second.get("/api/operator/corrections?open=true").ok(&open)
	second.post("/api/operator/correction/approve", object{"id": large.ID}).ok(nil)
	second.post("/api/operator/correction/reject", object{"id": large.ID, "reason": "late"}).expectFailure(400, domain.CodeCorrectionClosed, "该更正已处理")
	second.get("/api/operator/corrections").ok(&all)
	if len(open) != 1 || open[0] != large || len(all) != 2 || all[0].Status != "booked" {
		t.Errorf("got %+v, then %+v", open, all)
	}
	var info struct{ Coin int64 }
	a.get("/api/user/info").ok(&info)
	if info.Coin != 2001 {
		t.Errorf("the user has %d coins", info.Coin)
	}
}

// TestShareAndPayoutOverREST splits a gift, pays the earnings out, and refuses the refund of the gift.
func TestShareAndPayoutOverREST(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a, b, op := d.account("alice"), d.account("bob"), d.account("carol").grant(domain.RoleOperator)
	gift, live := d.gift("Rose", 10), b.onAir("show")
	a.credit(100)
	type rule struct {
		Rule, Position int64
		BasisPoints    int `json:"basis_points"`
		Actor, Reason  string
	}
	var none, now rule
	b.get("/api/share").ok(&none)
	a.post("/api/operator/share", object{"basis_points": 3500, "reason": "contract"}).expectFailure(403, domain.CodeForbidden, textNoToken)
	op.post("/api/operator/share", object{"basis_points": 10000, "reason": "contract"}).expectFailure(400, domain.CodeNumberOutOfRange, "参数错误")
	op.post("/api/operator/share", object{"basis_points": 3500, "reason": "contract"}).ok(nil)
	b.get("/api/share").ok(&now)
	if none != (rule{}) || now.Rule != 1 || now.BasisPoints != 3500 || now.Position == 0 || now.Actor != "" || now.Reason != "" {
		t.Errorf("got %+v, then %+v", none, now)
	}
	b.get("/api/share/rules").expectFailure(403, domain.CodeForbidden, textNoToken)
	var rules []rule
	op.get("/api/share/rules").ok(&rules)
	if len(rules) != 1 || rules[0].Reason != "contract" || rules[0].Actor != fmt.Sprint("user-", op.ID) {
		t.Errorf("got %+v", rules)
	}
	a.command(domain.SendGift{Live: live, Gift: gift, Num: 1})
	var gifts struct {
		Items []struct{ Position, Coin, Share int64 }
	}
	b.get("/api/gift/history").ok(&gifts)
	if g := gifts.Items[0]; g.Coin != 10 || g.Share != 3 {
		t.Fatalf("got %+v", g)
	}

	type payout struct {
		ID, Status, Reference, Requester, Reason string
		Coins                                    int64
		VoidReason                               string `json:"void_reason"`
	}
	payouts := func(u account, query string) (page struct{ Items []payout }) {
		t.Helper()
		u.get("/api/payouts" + query).ok(&page)
		return page
	}
	request := object{"payout": "P1", "streamer": b.ID, "coins": 7, "reason": "November"}
	b.post("/api/operator/payout", request).expectFailure(403, domain.CodeForbidden, textNoToken)
	op.post("/api/operator/payout", object{"payout": "P1", "streamer": b.ID, "coins": 8, "reason": "November"}).expectFailure(400, domain.CodeEarningsTooFew, "主播收益不足")
	for range 2 { // the id of the payout makes the request repeatable
		op.post("/api/operator/payout", request).ok(nil)
	}
	for _, unknown := range []string{"P2", "P\x00", "P\ufffd", strings.Repeat("P", 10_000)} {
		op.post("/api/operator/payout/capture", object{"payout": unknown, "reference": "T"}).expectFailure(404, domain.CodePayoutNotFound, "提现记录不存在")
		op.post("/api/operator/payout/void", object{"payout": unknown, "reason": "why"}).expectFailure(404, domain.CodePayoutNotFound, "提现记录不存在")
	}
	if got := fmt.Sprint(payouts(b, "")); got != "{[{P1 held    7 }]}" {
		t.Errorf("got %s", got)
	}
	op.post("/api/operator/payout/void", object{"payout": "P1", "reason": "wrong month"}).ok(nil)
	request["payout"] = "P2"
	op.post("/api/operator/payout", request).ok(nil)
	op.post("/api/operator/payout/capture", object{"payout": "P2", "reference": "T 1"}).ok(nil)
	op.post("/api/operator/payout/void", object{"payout": "P2", "reason": "why"}).expectFailure(400, domain.CodePayoutClosed, "该提现已处理")
	operator := fmt.Sprint("user-", op.ID)
	if got, want := fmt.Sprint(payouts(op, "?after=0")), fmt.Sprintf("{[{P1 void  %s November 7 wrong month} {P2 paid_out T 1 %[1]s November 7 }]}", operator); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := payouts(op, "?held=true"); len(got.Items) != 0 {
		t.Errorf("got %+v", got)
	}
	a.get(fmt.Sprint("/api/payouts?user=", b.ID)).expectFailure(403, domain.CodeForbidden, textNoToken)
	if got := b.post("/api/gift/refund", object{"position": gifts.Items[0].Position, "reason": "why"}); got.status != 400 || !strings.Contains(string(got.raw), "0 are held for payouts and 7 were paid out") {
		t.Errorf("got %d %s", got.status, got.raw)
	}

	var held struct {
		Items []struct {
			Event, Actor, Payout string
			Counterparties       []string
			Amount               int64
		}
	}
	d.account("dave").grant(domain.RoleAuditor).get(fmt.Sprint("/api/ledger/statement?after=0&account=held-", b.ID)).ok(&held)
	if got, want := fmt.Sprint(held.Items), fmt.Sprintf("[{earnings.held.v1 %s P1 [earnings-%d] 7} {earnings.released.v1 %[1]s P1 [earnings-%[2]d] -7} {earnings.held.v1 %[1]s P2 [earnings-%[2]d] 7} {earnings.paid_out.v1 %[1]s P2 [payout] -7}]", operator, b.ID); got != want {
		t.Errorf("got %s, want %s", got, want)
	}

	path := fmt.Sprintf("/api/ledger/settlement?from=1&to=%d", gifts.Items[0].Position)
	var own struct {
		Streamer int64
		Gifts    struct{ Count, Gross, Share, Net int64 }
		Closing  struct{ Earnings, Held int64 }
	}
	first, second := b.get(path), op.get(path+fmt.Sprint("&user=", b.ID))
	if err := json.Unmarshal(first.raw, &own); err != nil || first.status != 200 || !bytes.Equal(first.raw, second.raw) || own.Streamer != int64(b.ID) || own.Gifts.Share != 3 || own.Closing.Earnings != 7 {
		t.Errorf("%v: got %s, then %s", err, first.raw, second.raw)
	}
	if table := b.get(path + "&format=csv"); table.status != 200 || !strings.HasPrefix(string(table.raw), "line,position,at,event_id,") {
		t.Errorf("got %d %s", table.status, table.raw)
	}
	a.get(path+fmt.Sprint("&user=", b.ID)).expectFailure(403, domain.CodeForbidden, textNoToken)
	b.get("/api/ledger/settlement?from=1&to=2.00000000").expectFailure(409, "cursor_lost", textBad)
	for query, want := range map[string]string{
		"": "from and to must name the period", "?from=1&to=99999": "to must be at most", "?from=1&to=2&user=x": "user must be the id", "?from=1&to=2&page=1": "there is no query parameter",
		"?from=1&to=2&format=pdf": "format must be json or csv",
	} {
		if got := b.get("/api/ledger/settlement" + query); got.status != 400 || !strings.Contains(string(got.raw), want) {
			t.Errorf("%s: got %d %s", query, got.status, got.raw)
		}
	}
}

// TestSettlementsAreBounded makes three settlements at the same time. One is refused, so that the others do not take all
// connections of the database.
func TestSettlementsAreBounded(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a := d.account("alice")
	tx, err := d.db.Owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.WithoutCancel(t.Context()))
	if _, err := tx.Exec(t.Context(), "LOCK TABLE read.coin_movement IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	answers := make(chan reply, 3)
	for range 3 {
		go func() { answers <- a.get("/api/ledger/settlement?from=1&to=1") }()
	}
	refused := <-answers
	if refused.expectFailure(503, domain.CodeBusy, textBusy); refused.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := <-answers; got.status != 200 {
			t.Errorf("got %d %s", got.status, got.raw)
		}
	}
}
