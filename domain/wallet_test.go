package domain_test

import (
	"math"
	"testing"

	"roomlog/domain"
)

// sent returns the event of the viewer sending gifts.
func sent(live domain.LiveID, price domain.Coins, num int, coins, after domain.Coins) domain.GiftSent {
	return domain.GiftSent{
		Sender: viewer, Streamer: streamer, Live: live,
		Gift: 3, Name: "rose", Image: "https://x/rose.png", Price: price, Num: num, Coins: coins, BalanceAfter: after,
		Postings: []domain.Posting{
			{Account: domain.WalletAccount(viewer), Amount: -coins},
			{Account: domain.EarningsAccount(streamer), Amount: coins},
		},
	}
}

func TestSendGift(t *testing.T) {
	give := func(num int) domain.SendGift { return domain.SendGift{Live: 6, Gift: 3, Num: num} }
	run(t, []spec{
		{
			name:  "moves price times number from the sender to the streamer",
			given: events(liveOnAir(6), giftAdded(3, 30), coinsCredited(viewer, 100)),
			when:  give(3),
			then:  []domain.Event{sent(6, 30, 3, 90, 10)},
		},
		{
			name:  "accepts the last coin",
			given: events(liveOnAir(6), giftAdded(3, 30), coinsCredited(viewer, 90)),
			when:  give(3),
			then:  []domain.Event{sent(6, 30, 3, 90, 0)},
		},
		{
			name:  "continues with the balance that the previous gift left",
			given: events(liveOnAir(6), giftAdded(3, 30), coinsCredited(viewer, 100), []domain.Event{sent(6, 30, 1, 30, 70)}),
			when:  give(1),
			then:  []domain.Event{sent(6, 30, 1, 30, 40)},
		},
		{
			name:  "uses the newest price",
			given: events(liveOnAir(6), giftAdded(3, 30), coinsCredited(viewer, 100), []domain.Event{domain.GiftRepriced{Gift: 3, From: 30, To: 50}}),
			when:  give(1),
			then:  []domain.Event{sent(6, 50, 1, 50, 50)},
		},
		{
			name:  "is accepted while the live is paused",
			given: events(livePaused(6), giftAdded(3, 30), coinsCredited(viewer, 30)),
			when:  give(1),
			then:  []domain.Event{sent(6, 30, 1, 30, 0)},
		},
		{
			name:  "multiplies the highest price and number",
			given: events(liveOnAir(6), giftAdded(3, maxPrice), coinsCredited(viewer, domain.MaxCoins)),
			when:  give(9999),
			then:  []domain.Event{sent(6, maxPrice, 9999, 9999*maxPrice, domain.MaxCoins-9999*maxPrice)},
		},
		{
			name:    "is refused when coins are too few",
			given:   events(liveOnAir(6), giftAdded(3, 30), coinsCredited(viewer, 29)),
			when:    give(1),
			refused: domain.CodeCoinsTooFew,
		},
		{
			name:    "is refused when one coin is missing",
			given:   events(liveOnAir(6), giftAdded(3, 30), coinsCredited(viewer, 89)),
			when:    give(3),
			refused: domain.CodeCoinsTooFew,
		},
		{
			name:    "is refused when the sender never had coins",
			given:   events(liveOnAir(6), giftAdded(3, 1)),
			when:    give(1),
			refused: domain.CodeCoinsTooFew,
		},
		{
			name:    "is refused when only the streamer has coins",
			given:   events(liveOnAir(6), giftAdded(3, 1), coinsCredited(streamer, 100)),
			when:    give(1),
			refused: domain.CodeCoinsTooFew,
		},
		{
			name:    "is refused when the cost exceeds every wallet",
			given:   events(liveOnAir(6), giftAdded(3, math.MaxInt64/2), coinsCredited(viewer, domain.MaxCoins)),
			when:    give(9999),
			refused: domain.CodeCoinsTooFew,
		},
		{
			name:    "is refused when the gift does not exist",
			given:   events(liveOnAir(6), coinsCredited(viewer, 100)),
			when:    give(1),
			refused: domain.CodeGiftNotFound,
		},
		{
			name:    "is refused when the gift was withdrawn",
			given:   events(liveOnAir(6), giftAdded(3, 30), coinsCredited(viewer, 100), []domain.Event{domain.GiftWithdrawn{Gift: 3}}),
			when:    give(1),
			refused: domain.CodeGiftNotFound,
		},
		{name: "is refused when the live does not exist", given: events(giftAdded(3, 30), coinsCredited(viewer, 100)), when: give(1), refused: domain.CodeLiveNotFound},
		{name: "is refused before the live starts", given: events(liveCreated(6), giftAdded(3, 30), coinsCredited(viewer, 100)), when: give(1), refused: domain.CodeLiveNotStarted},
		{name: "is refused after the live has ended", given: events(liveEnded(6), giftAdded(3, 30), coinsCredited(viewer, 100)), when: give(1), refused: domain.CodeLiveEnded},
	})
	for _, num := range []int{0, -1, 10_000, math.MinInt, math.MaxInt, math.MaxInt/30 + 1, 1 << 32} {
		run(t, []spec{{
			name:    "is refused when the number is out of range",
			given:   events(liveOnAir(6), giftAdded(3, 30), coinsCredited(viewer, domain.MaxCoins)),
			when:    give(num),
			refused: domain.CodeNumberOutOfRange,
		}})
	}
}

// TestMaxCoins checks that clients which store numbers as doubles read every balance exactly.
func TestMaxCoins(t *testing.T) {
	if domain.MaxCoins != 9_007_199_254_740_991 {
		t.Fatalf("got %d", domain.MaxCoins)
	}
}
