package domain_test

import (
	"testing"

	"roomlog/domain"
)

func TestSetShare(t *testing.T) {
	rule := func(number int64, from, to int) domain.Event {
		return domain.ShareSet{Rule: number, From: from, To: to, Reason: "contract"}
	}
	set := func(basisPoints int) domain.SetShare {
		return domain.SetShare{BasisPoints: basisPoints, Reason: " contract "}
	}
	given := events(liveOnAir(6), giftAdded(3, 30), coinsCredited(viewer, 100))
	give := domain.SendGift{Live: 6, Gift: 3, Num: 1}
	split := func(number int64, basisPoints int, share domain.Coins) []domain.Event {
		e := sent(6, 30, 1, 30, 70)
		e.ShareRule, e.BasisPoints, e.Share = number, basisPoints, share
		if share != 0 {
			e.Postings[1].Amount -= share
			e.Postings = append(e.Postings, domain.Posting{Account: domain.PlatformAccount, Amount: share})
		}
		return []domain.Event{e}
	}
	run(t, []spec{
		{name: "records the first rule", by: operator, when: set(3000), then: []domain.Event{rule(1, 0, 3000)}},
		{name: "records the next rule", given: []domain.Event{rule(1, 0, 3000)}, by: operator, when: set(0), then: []domain.Event{rule(2, 3000, 0)}},
		{name: "changes nothing when the share is the same", given: []domain.Event{rule(1, 0, 3000)}, by: operator, when: set(3000)},
		{name: "is refused to a user", when: set(3000), refused: domain.CodeForbidden},
		{name: "is refused above the maximum", by: operator, when: set(10_000), refused: domain.CodeNumberOutOfRange},
		{name: "is refused below 0", by: operator, when: set(-1), refused: domain.CodeNumberOutOfRange},
		{name: "is refused without a reason", by: operator, when: domain.SetShare{BasisPoints: 1}, refused: domain.CodeTextEmpty},
		{name: "is refused while all coins are closed", given: []domain.Event{domain.CoinsClosed{Position: 9, All: true}}, by: operator, when: set(1), refused: domain.CodeCoinsClosed},
		{name: "splits later gifts", given: events(given, []domain.Event{rule(1, 0, 3000)}), when: give, then: split(1, 3000, 9)},
		{name: "gives the remainder to the streamer", given: events(given, []domain.Event{rule(1, 0, 9999)}), when: give, then: split(1, 9999, 29)},
		{name: "has no posting of 0 coins", given: events(given, []domain.Event{rule(1, 0, 1)}), when: give, then: split(1, 1, 0)},
	})
}

func TestRefundTakesBackTheShare(t *testing.T) {
	gift := refundable
	gift.Share = 9
	run(t, []spec{{
		name: "from the platform", given: events(liveOnAir(6), coinsCredited(viewer, 70)), by: operator,
		when: domain.RefundGift{Position: 4711, Reason: "why", Sent: gift, Received: 21},
		then: []domain.Event{
			domain.GiftRecordRefunded{Position: 4711},
			domain.EarningsRefunded{Streamer: streamer, Position: 4711, Coins: 21},
			domain.GiftRefunded{Sender: viewer, Streamer: streamer, Live: 6, Gift: 3, Num: 1, Position: 4711, Coins: 30, Share: 9, BalanceAfter: 100, Reason: "why", Postings: []domain.Posting{
				{Account: domain.EarningsAccount(streamer), Amount: -21}, {Account: domain.WalletAccount(viewer), Amount: 30}, {Account: domain.PlatformAccount, Amount: -9}}},
		},
	}})
}

// TestCheckCoinEventOfSharedGifts checks that the bookkeeping of a gift follows from its event alone.
func TestCheckCoinEventOfSharedGifts(t *testing.T) {
	gift := sent(6, 30, 1, 30, 70)
	gift.ShareRule, gift.BasisPoints, gift.Share = 1, 3000, 9
	gift.Postings = []domain.Posting{{Account: domain.WalletAccount(viewer), Amount: -30}, {Account: domain.EarningsAccount(streamer), Amount: 21}, {Account: domain.PlatformAccount, Amount: 9}}
	if err := domain.CheckCoinEvent(gift.Stream(), gift); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*domain.GiftSent){
		"another share":         func(e *domain.GiftSent) { e.Share = 10 },
		"other basis points":    func(e *domain.GiftSent) { e.BasisPoints = 3334 },
		"too many basis points": func(e *domain.GiftSent) { e.BasisPoints = 10_000 },
		"other postings": func(e *domain.GiftSent) {
			e.Postings = []domain.Posting{{Account: domain.WalletAccount(viewer), Amount: -30}, {Account: domain.EarningsAccount(streamer), Amount: 30}}
		},
	} {
		wrong := gift
		change(&wrong)
		if err := domain.CheckCoinEvent(wrong.Stream(), wrong); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
