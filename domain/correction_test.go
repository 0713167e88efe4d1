package domain_test

import (
	"testing"
	"time"

	"roomlog/domain"
)

func TestCorrections(t *testing.T) {
	wallet := domain.WalletAccount(viewer)
	propose := domain.ProposeCorrection{Account: wallet, Coins: 30, Reason: "lost", Limit: 30, Period: time.Hour}
	changed := func(change func(*domain.ProposeCorrection)) domain.ProposeCorrection {
		c := propose
		change(&c)
		return c
	}
	proposed := func(account domain.Account, user domain.UserID, coins domain.Coins, by domain.Actor, open bool) domain.CorrectionProposed {
		return domain.CorrectionProposed{Correction: 1, Account: account, User: user, Coins: coins, Proposer: by.String(), Reason: "lost", Expires: now.Add(time.Hour).Unix(), Open: open}
	}
	moved := func(coins, after domain.Coins) domain.Event {
		return domain.CoinsCorrected{User: viewer, Correction: 1, Coins: coins, BalanceAfter: after,
			Postings: []domain.Posting{{Account: domain.CorrectionAccount, Amount: -coins}, {Account: wallet, Amount: coins}}}
	}
	taken := func(coins domain.Coins) domain.Event {
		return domain.EarningsCorrected{Streamer: streamer, Correction: 1, Coins: coins,
			Postings: []domain.Posting{{Account: domain.CorrectionAccount, Amount: -coins}, {Account: domain.EarningsAccount(streamer), Amount: coins}}}
	}
	coins := coinsCredited(viewer, 100)
	second := asUser(operatorUser)
	waiting := events(coins, []domain.Event{proposed(wallet, viewer, 31, operator, true)})
	approve := domain.ApproveCorrection{Correction: 1, Account: wallet}
	alice, bob := domain.OperatorActor("alice"), domain.OperatorActor("bob")
	run(t, []spec{
		{name: "up to the limit moves the coins at once", given: coins, by: operator, when: propose, then: []domain.Event{proposed(wallet, viewer, 30, operator, false), moved(30, 130)}},
		{name: "may take coins", given: coins, by: operator, when: changed(func(c *domain.ProposeCorrection) { c.Coins = -30 }), then: []domain.Event{proposed(wallet, viewer, -30, operator, false), moved(-30, 70)}},
		{name: "above the limit waits", given: coins, by: operator, when: changed(func(c *domain.ProposeCorrection) { c.Coins = -31 }), then: []domain.Event{proposed(wallet, viewer, -31, operator, true)}},
		{name: "of earnings takes what is there", by: operator, when: changed(func(c *domain.ProposeCorrection) { c.Account, c.Coins, c.Received = "earnings-7", -30, 30 }),
			then: []domain.Event{proposed("earnings-7", streamer, -30, operator, false), taken(-30)}},
		{name: "of earnings is refused when they are too few", by: operator, when: changed(func(c *domain.ProposeCorrection) { c.Account, c.Coins, c.Received = "earnings-7", -30, 29 }), refused: domain.CodeEarningsTooFew},
		{name: "is refused when the wallet has too few coins", given: coins, by: operator, when: changed(func(c *domain.ProposeCorrection) { c.Coins = -101 }), refused: domain.CodeCoinsTooFew},
		{name: "is refused when the wallet is full", given: coinsCredited(viewer, domain.MaxCoins), by: operator, when: propose, refused: domain.CodeCoinsOverflow},
		{name: "is refused when coins are closed", given: events(coins, []domain.Event{domain.CoinsClosed{Position: 9, Users: []domain.UserID{viewer}}}), by: operator, when: propose, refused: domain.CodeCoinsClosed},
		{name: "of nothing is refused", by: operator, when: changed(func(c *domain.ProposeCorrection) { c.Coins = 0 }), refused: domain.CodeNumberOutOfRange},
		{name: "of another account is refused", by: operator, when: changed(func(c *domain.ProposeCorrection) { c.Account = "provider" }), refused: domain.CodeBadRequest},
		{name: "without a reason is refused", by: operator, when: changed(func(c *domain.ProposeCorrection) { c.Reason = "" }), refused: domain.CodeTextEmpty},
		{name: "of an unknown user is refused", by: operator, when: changed(func(c *domain.ProposeCorrection) { c.Account = "user-99" }), refused: domain.CodeUserUnavailable},
		{name: "of the own balance is refused", by: second, when: changed(func(c *domain.ProposeCorrection) { c.Account = domain.WalletAccount(operatorUser) }), refused: domain.CodeForbidden},
		{name: "by a user is refused", when: propose, refused: domain.CodeForbidden},

		{name: "an approval moves the coins", given: waiting, by: second, when: approve, then: []domain.Event{domain.CorrectionApproved{Correction: 1, User: viewer}, moved(31, 131)}},
		{name: "the proposer may not approve", given: waiting, by: operator, when: approve, refused: domain.CodeForbidden},
		{name: "operators at the command line differ by their names", given: events(coins, []domain.Event{proposed(wallet, viewer, 31, alice, true)}), by: bob, when: approve, then: []domain.Event{domain.CorrectionApproved{Correction: 1, User: viewer}, moved(31, 131)}},
		{name: "the person concerned may not approve", given: events([]domain.Event{proposed(domain.WalletAccount(operatorUser), operatorUser, 31, operator, true)}), by: second,
			when: domain.ApproveCorrection{Correction: 1, Account: domain.WalletAccount(operatorUser)}, refused: domain.CodeForbidden},
		{name: "an approval is refused after the time", given: events(coins, []domain.Event{func() domain.Event {
			c := proposed(wallet, viewer, 31, operator, true)
			c.Expires = now.Unix()
			return c
		}()}), by: second, when: approve, refused: domain.CodeCorrectionClosed},
		{name: "an approval is refused the second time", given: events(waiting, []domain.Event{domain.CorrectionApproved{Correction: 1, User: viewer}}), by: second, when: approve, refused: domain.CodeCorrectionClosed},
		{name: "an approval is refused after the user was forgotten", given: events(waiting, []domain.Event{domain.UserForgotten{User: viewer}}), by: second, when: approve, refused: domain.CodeUserUnavailable},
		{name: "an approval of nothing is refused", by: second, when: approve, refused: domain.CodeCorrectionNotFound},
		{name: "an approval with another account is refused", given: waiting, by: second, when: domain.ApproveCorrection{Correction: 1, Account: "user-13"}, refused: domain.CodeBadRequest},
		{name: "a rejection ends the correction", given: waiting, by: operator, when: domain.RejectCorrection{Correction: 1, Reason: "no receipt"}, then: []domain.Event{domain.CorrectionRejected{Correction: 1, User: viewer, Reason: "no receipt"}}},
		{name: "a rejection is refused after an approval", given: events(waiting, []domain.Event{domain.CorrectionApproved{Correction: 1, User: viewer}}), by: second, when: domain.RejectCorrection{Correction: 1, Reason: "no"}, refused: domain.CodeCorrectionClosed},
		{name: "a rejection needs a reason", given: waiting, by: second, when: domain.RejectCorrection{Correction: 1}, refused: domain.CodeTextEmpty},
	})
}

func TestNamesOfActors(t *testing.T) {
	for _, by := range []domain.Actor{{}, {Kind: domain.Operator}, {Kind: domain.System}, {Kind: domain.PaymentProvider}, domain.OperatorActor("root"), {Kind: domain.Authenticated, User: 12}} {
		if got, ok := domain.ParseActor(by.String()); !ok || got != by {
			t.Errorf("%s: got %+v, %v", by, got, ok)
		}
	}
	if got := domain.OperatorActor("DOMAIN\\zoë").String(); got != "operator-DOMAIN_zo_" {
		t.Errorf("got %s", got)
	}
	for _, name := range []string{"", "operator-", "operator-a b", "user-0", "user-07", "user-", "root"} {
		if by, ok := domain.ParseActor(name); ok {
			t.Errorf("%q: got %+v", name, by)
		}
	}
}
