package domain_test

import (
	"math"
	"testing"

	"roomlog/domain"
)

// sent is a gift of roses, as the viewer's wallet records it.
func sent(live domain.LiveID, price domain.Coins, num int, coins, after domain.Coins) domain.GiftSent {
	return domain.GiftSent{
		Sender: viewer, Streamer: streamer, Live: live,
		Gift: 3, Name: "rose", Image: "rose.png", Price: price, Num: num, Coins: coins, BalanceAfter: after,
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
			name:  "takes price times number from the sender and gives it to the streamer",
			given: events(liveOnAir(6), giftListed(3, 30), coinsCredited(viewer, 100)),
			when:  give(3),
			then:  []domain.Event{sent(6, 30, 3, 90, 10)},
		},
		{
			name:  "takes the last coin",
			given: events(liveOnAir(6), giftListed(3, 30), coinsCredited(viewer, 90)),
			when:  give(3),
			then:  []domain.Event{sent(6, 30, 3, 90, 0)},
		},
		{
			name:  "starts from what the gift before has left",
			given: events(liveOnAir(6), giftListed(3, 30), coinsCredited(viewer, 100), []domain.Event{sent(6, 30, 1, 30, 70)}),
			when:  give(1),
			then:  []domain.Event{sent(6, 30, 1, 30, 40)},
		},
		{
			name:  "costs the newest price",
			given: events(liveOnAir(6), giftListed(3, 30), coinsCredited(viewer, 100), []domain.Event{domain.GiftRepriced{Gift: 3, From: 30, To: 50}}),
			when:  give(1),
			then:  []domain.Event{sent(6, 50, 1, 50, 50)},
		},
		{
			name:  "is possible while the room is paused",
			given: events(livePaused(6), giftListed(3, 30), coinsCredited(viewer, 30)),
			when:  give(1),
			then:  []domain.Event{sent(6, 30, 1, 30, 0)},
		},
		{
			name:  "multiplies the largest price and number",
			given: events(liveOnAir(6), giftListed(3, maxPrice), coinsCredited(viewer, domain.MaxCoins)),
			when:  give(9999),
			then:  []domain.Event{sent(6, maxPrice, 9999, 9999*maxPrice, domain.MaxCoins-9999*maxPrice)},
		},
		{
			name:    "is refused when the wallet is too light",
			given:   events(liveOnAir(6), giftListed(3, 30), coinsCredited(viewer, 29)),
			when:    give(1),
			refused: domain.CodeCoinsTooFew,
		},
		{
			name:    "is refused when the wallet is one coin too light for all of them",
			given:   events(liveOnAir(6), giftListed(3, 30), coinsCredited(viewer, 89)),
			when:    give(3),
			refused: domain.CodeCoinsTooFew,
		},
		{
			name:    "is refused to somebody who never had coins",
			given:   events(liveOnAir(6), giftListed(3, 1)),
			when:    give(1),
			refused: domain.CodeCoinsTooFew,
		},
		{
			name:    "is refused when only the streamer has coins",
			given:   events(liveOnAir(6), giftListed(3, 1), coinsCredited(streamer, 100)),
			when:    give(1),
			refused: domain.CodeCoinsTooFew,
		},
		{
			name:    "is refused when it costs more than anybody can have",
			given:   events(liveOnAir(6), giftListed(3, math.MaxInt64/2), coinsCredited(viewer, domain.MaxCoins)),
			when:    give(9999),
			refused: domain.CodeCoinsTooFew,
		},
		{
			name:    "is refused for a gift that does not exist",
			given:   events(liveOnAir(6), coinsCredited(viewer, 100)),
			when:    give(1),
			refused: domain.CodeGiftNotFound,
		},
		{
			name:    "is refused for a gift that was withdrawn",
			given:   events(liveOnAir(6), giftListed(3, 30), coinsCredited(viewer, 100), []domain.Event{domain.GiftWithdrawn{Gift: 3}}),
			when:    give(1),
			refused: domain.CodeGiftNotFound,
		},
		{name: "is refused in a room that does not exist", given: events(giftListed(3, 30), coinsCredited(viewer, 100)), when: give(1), refused: domain.CodeLiveNotFound},
		{name: "is refused before the room starts", given: events(liveCreated(6), giftListed(3, 30), coinsCredited(viewer, 100)), when: give(1), refused: domain.CodeLiveNotStarted},
		{name: "is refused after the room has ended", given: events(liveEnded(6), giftListed(3, 30), coinsCredited(viewer, 100)), when: give(1), refused: domain.CodeLiveEnded},
	})
	for _, num := range []int{0, -1, 10_000, math.MinInt, math.MaxInt, math.MaxInt/30 + 1, 1 << 32} {
		run(t, []spec{{
			name:    "is refused for a number out of bounds",
			given:   events(liveOnAir(6), giftListed(3, 30), coinsCredited(viewer, domain.MaxCoins)),
			when:    give(num),
			refused: domain.CodeNumberOutOfRange,
		}})
	}
}

// Clients whose numbers are doubles tell every balance from its neighbours.
func TestMaxCoins(t *testing.T) {
	if domain.MaxCoins != 9_007_199_254_740_991 {
		t.Fatalf("got %d", domain.MaxCoins)
	}
}
