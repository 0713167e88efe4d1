package domain_test

import (
	"strings"
	"testing"

	"roomlog/domain"
)

// held returns the event that holds coins of the streamer for a payout.
func held(id domain.PayoutID, coins domain.Coins) domain.Event {
	return domain.EarningsHeld{Streamer: streamer, Payout: id, Coins: coins, Postings: []domain.Posting{
		{Account: domain.EarningsAccount(streamer), Amount: -coins}, {Account: domain.HeldAccount(streamer), Amount: coins}}}
}

func TestPayouts(t *testing.T) {
	requested := []domain.Event{domain.PayoutRequested{Payout: "P1", Streamer: streamer, Coins: 60, Reason: "November"}, held("P1", 60)}
	paid := []domain.Event{
		domain.PayoutCaptured{Payout: "P1", Streamer: streamer, Coins: 60, Reference: "T 1"},
		domain.EarningsPaidOut{Streamer: streamer, Payout: "P1", Coins: 60, Postings: []domain.Posting{
			{Account: domain.HeldAccount(streamer), Amount: -60}, {Account: domain.PayoutAccount, Amount: 60}}},
	}
	voided := []domain.Event{
		domain.PayoutVoided{Payout: "P1", Streamer: streamer, Coins: 60, Reason: "account closed"},
		domain.EarningsReleased{Streamer: streamer, Payout: "P1", Coins: 60, Postings: []domain.Posting{
			{Account: domain.HeldAccount(streamer), Amount: -60}, {Account: domain.EarningsAccount(streamer), Amount: 60}}},
	}
	request := domain.RequestPayout{Payout: "P1", Streamer: streamer, Coins: 60, Reason: " November ", Received: 60}
	changed := func(change func(*domain.RequestPayout)) domain.RequestPayout {
		c := request
		change(&c)
		return c
	}
	capture := domain.CapturePayout{Payout: "P1", Reference: " T 1 ", Streamer: streamer}
	void := domain.VoidPayout{Payout: "P1", Reason: "account closed", Streamer: streamer}
	closed := []domain.Event{domain.CoinsClosed{Position: 9, Users: []domain.UserID{streamer}}}
	refund := domain.RefundGift{Position: 4711, Reason: "why", Sent: refundable, Received: 60}
	operatorStreams := []domain.Event{domain.UserRoleGranted{User: streamer, Role: domain.RoleOperator}}
	run(t, []spec{
		{name: "hold the coins", by: operator, when: request, then: requested},
		{name: "are requested by a user with the role operator", by: asUser(operatorUser), when: request, then: requested},
		{name: "are requested once", given: requested, by: operator, when: request},
		{name: "are refused to the streamer", by: asUser(streamer), when: request, refused: domain.CodeForbidden},
		{name: "are refused to a streamer who is an operator", given: operatorStreams, by: asUser(streamer), when: request, refused: domain.CodeForbidden},
		{name: "are refused when the earnings are too few", by: operator, when: changed(func(c *domain.RequestPayout) { c.Received = 59 }), refused: domain.CodeEarningsTooFew},
		{name: "are refused when the earnings are held already", given: requested, by: operator, when: changed(func(c *domain.RequestPayout) { c.Payout = "P2" }), refused: domain.CodeEarningsTooFew},
		{name: "are refused when the earnings are paid out", given: events(requested, paid), by: operator, when: changed(func(c *domain.RequestPayout) { c.Payout = "P2" }), refused: domain.CodeEarningsTooFew},
		{name: "are possible when others are void", given: events(requested, voided), by: operator, when: changed(func(c *domain.RequestPayout) { c.Payout, c.Coins = "P2", 60 }),
			then: []domain.Event{domain.PayoutRequested{Payout: "P2", Streamer: streamer, Coins: 60, Reason: "November"}, held("P2", 60)}},
		{name: "are refused with the id of another one", given: requested, by: operator, when: changed(func(c *domain.RequestPayout) { c.Coins = 59 }), refused: domain.CodePayoutMismatch},
		{name: "are refused with the id of a void one", given: events(requested, voided), by: operator, when: request, refused: domain.CodePayoutMismatch},
		{name: "are refused with another character in the id", by: operator, when: changed(func(c *domain.RequestPayout) { c.Payout = "P/1" }), refused: domain.CodeTextInvalid},
		{name: "are refused without an id", by: operator, when: changed(func(c *domain.RequestPayout) { c.Payout = "" }), refused: domain.CodeTextInvalid},
		{name: "are refused without coins", by: operator, when: changed(func(c *domain.RequestPayout) { c.Coins = 0 }), refused: domain.CodeNumberOutOfRange},
		{name: "are refused without a streamer", by: operator, when: changed(func(c *domain.RequestPayout) { c.Streamer = 0 }), refused: domain.CodeNumberOutOfRange},
		{name: "are refused without a reason", by: operator, when: changed(func(c *domain.RequestPayout) { c.Reason = " " }), refused: domain.CodeTextEmpty},
		{name: "are refused while coins are closed", given: closed, by: operator, when: request, refused: domain.CodeCoinsClosed},

		{name: "are paid out", given: requested, by: operator, when: capture, then: paid},
		{name: "are paid out once", given: events(requested, paid), by: operator, when: capture},
		{name: "are not paid out with another reference", given: events(requested, paid), by: operator, when: domain.CapturePayout{Payout: "P1", Reference: "T 2", Streamer: streamer}, refused: domain.CodePayoutClosed},
		{name: "are not paid out when they are void", given: events(requested, voided), by: operator, when: capture, refused: domain.CodePayoutClosed},
		{name: "are not paid out without a reference", given: requested, by: operator, when: domain.CapturePayout{Payout: "P1", Streamer: streamer}, refused: domain.CodeTextEmpty},
		{name: "are not paid out with a long reference", given: requested, by: operator, when: domain.CapturePayout{Payout: "P1", Reference: strings.Repeat("x", 65), Streamer: streamer}, refused: domain.CodeTextTooLong},
		{name: "are not paid out by their streamer", given: events(requested, operatorStreams), by: asUser(streamer), when: capture, refused: domain.CodeForbidden},
		{name: "are not paid out while coins are closed", given: events(requested, closed), by: operator, when: capture, refused: domain.CodeCoinsClosed},
		{name: "are not paid out before they are requested", by: operator, when: capture, refused: domain.CodePayoutNotFound},

		{name: "are void", given: requested, by: operator, when: void, then: voided},
		{name: "are void once", given: events(requested, voided), by: operator, when: void},
		{name: "are not void after they were paid out", given: events(requested, paid), by: operator, when: void, refused: domain.CodePayoutClosed},
		{name: "are not void without a reason", given: requested, by: operator, when: domain.VoidPayout{Payout: "P1", Streamer: streamer}, refused: domain.CodeTextEmpty},
		{name: "are not void before they are requested", by: operator, when: void, refused: domain.CodePayoutNotFound},

		{name: "prevent the refund of a gift while the earnings are held", given: events(liveOnAir(6), requested), by: operator, when: refund, refused: domain.CodeEarningsTooFew},
		{name: "prevent the refund of a gift after the earnings were paid out", given: events(liveOnAir(6), requested, paid), by: operator, when: refund, refused: domain.CodeEarningsTooFew},
	})
}

func TestRefundTextNamesThePayouts(t *testing.T) {
	given := events(testUsers(), liveOnAir(6), []domain.Event{domain.PayoutRequested{Payout: "P1", Streamer: streamer, Coins: 60, Reason: "why"}, held("P1", 60)})
	_, err := after(t, given).decide(t, domain.Request{Command: domain.RefundGift{Position: 4711, Reason: "why", Sent: refundable, Received: 60}, Actor: operator})
	if err == nil || !strings.Contains(err.Error(), "60 are held for payouts and 0 were paid out; void a payout, or correct the earnings first") {
		t.Error(err)
	}
}
