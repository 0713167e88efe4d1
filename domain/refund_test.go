package domain_test

import (
	"strings"
	"testing"

	"roomlog/domain"
)

// refundable is a gift of the viewer to live 6.
var refundable = domain.SentGift{Position: 4711, Live: 6, Streamer: streamer, Sender: viewer, Gift: 3, Num: 1, Coins: 30}

func TestRefundGift(t *testing.T) {
	refund := domain.RefundGift{Position: 4711, Reason: " sent by mistake ", Sent: refundable, Received: 30}
	changed := func(change func(*domain.RefundGift)) domain.RefundGift {
		c := refund
		change(&c)
		return c
	}
	given := events(liveEnded(6), giftAdded(3, 30), coinsCredited(viewer, 100), []domain.Event{sent(6, 30, 1, 30, 70)})
	refunded := []domain.Event{
		domain.GiftRecordRefunded{Position: 4711},
		domain.EarningsRefunded{Streamer: streamer, Position: 4711, Coins: 30},
		domain.GiftRefunded{Sender: viewer, Streamer: streamer, Live: 6, Gift: 3, Num: 1, Position: 4711, Coins: 30, BalanceAfter: 100, Reason: "sent by mistake",
			Postings: []domain.Posting{{Account: domain.EarningsAccount(streamer), Amount: -30}, {Account: domain.WalletAccount(viewer), Amount: 30}}},
	}
	run(t, []spec{
		{name: "moves the coins back, also after the live has ended", given: given, by: asUser(streamer), when: refund, then: refunded},
		{name: "is accepted from an operator", given: given, by: operator, when: refund, then: refunded},
		{name: "is refused after the sender was forgotten", given: events(given, []domain.Event{domain.UserForgotten{User: viewer}}), by: operator, when: refund, refused: domain.CodeUserUnavailable},
		{name: "is refused to the sender", given: given, when: refund, refused: domain.CodeLiveNotFound},
		{name: "is refused to a moderator", given: events(given, []domain.Event{domain.ModeratorAppointed{Live: 6, User: viewer}}), when: refund, refused: domain.CodeLiveNotFound},
		{name: "is refused to an operator who has sent the gift", given: events(given, []domain.Event{domain.UserRoleGranted{User: viewer, Role: domain.RoleOperator}}), by: asUser(viewer), when: refund, refused: domain.CodeForbidden},
		{name: "is refused the second time", given: events(given, refunded), by: operator, when: changed(func(c *domain.RefundGift) { c.Received = 60 }), refused: domain.CodeGiftRefunded},
		{name: "is refused when the earnings were taken", given: events(given, []domain.Event{domain.EarningsRefunded{Streamer: streamer, Position: 1, Coins: 1}}), by: operator, when: refund, refused: domain.CodeEarningsTooFew},
		{name: "is refused when the tables do not contain the gift in the earnings", given: given, by: operator, when: changed(func(c *domain.RefundGift) { c.Received = 29 }), refused: domain.CodeEarningsTooFew},
		{name: "is refused without a gift", given: given, by: operator, when: domain.RefundGift{Position: 4711, Reason: "why"}, refused: domain.CodeGiftRecordNotFound},
		{name: "is refused without a position", given: given, by: operator, when: domain.RefundGift{Reason: "why"}, refused: domain.CodeGiftRecordNotFound},
		{name: "is refused without a reason", given: given, by: operator, when: changed(func(c *domain.RefundGift) { c.Reason = " " }), refused: domain.CodeTextEmpty},
		{name: "is refused with a long reason", given: given, by: operator, when: changed(func(c *domain.RefundGift) { c.Reason = strings.Repeat("x", 101) }), refused: domain.CodeTextTooLong},
		{name: "is refused when the coins of the sender are closed", given: events(given, []domain.Event{domain.CoinsClosed{Position: 9, Users: []domain.UserID{viewer}}}), by: operator, when: refund, refused: domain.CodeCoinsClosed},
		{name: "is refused when the coins of the streamer are closed", given: events(given, []domain.Event{domain.CoinsClosed{Position: 9, Users: []domain.UserID{streamer}}}), by: operator, when: refund, refused: domain.CodeCoinsClosed},
		{name: "is refused when the wallet is full", given: events(given, []domain.Event{credited("more", domain.MaxCoins-70, domain.MaxCoins)}), by: operator, when: refund, refused: domain.CodeCoinsOverflow},
	})
}
