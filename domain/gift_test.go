package domain_test

import (
	"math"
	"testing"

	"roomlog/domain"
)

const maxPrice = 1_000_000_000

func TestAddGift(t *testing.T) {
	rose := func(price domain.Coins) domain.AddGift {
		return domain.AddGift{Name: " rose ", Image: "https://x/rose.png", Price: price}
	}
	run(t, []spec{
		{
			name: "adds a gift to the gift catalogue",
			by:   operator,
			when: rose(30),
			then: []domain.Event{domain.GiftAdded{Gift: 1, Name: "rose", Image: "https://x/rose.png", Price: 30}},
		},
		{
			name:  "takes the next id even if an earlier gift was withdrawn",
			given: events(giftAdded(3, 30), []domain.Event{domain.GiftWithdrawn{Gift: 3}}),
			by:    operator,
			when:  rose(1),
			then:  []domain.Event{domain.GiftAdded{Gift: 4, Name: "rose", Image: "https://x/rose.png", Price: 1}},
		},
		{
			name: "does not require an image",
			by:   operator,
			when: domain.AddGift{Name: "rose", Price: maxPrice},
			then: []domain.Event{domain.GiftAdded{Gift: 1, Name: "rose", Price: maxPrice}},
		},
		{name: "is refused without a name", by: operator, when: domain.AddGift{Price: 30}, refused: domain.CodeTextEmpty},
		{name: "is refused when the price is zero", by: operator, when: rose(0), refused: domain.CodeNumberOutOfRange},
		{name: "is refused when the price is negative", by: operator, when: rose(-30), refused: domain.CodeNumberOutOfRange},
		{name: "is refused when the price is too high", by: operator, when: rose(maxPrice + 1), refused: domain.CodeNumberOutOfRange},
		{name: "is refused when the price is the largest number", by: operator, when: rose(math.MaxInt64), refused: domain.CodeNumberOutOfRange},
	})
}

func TestRepriceGift(t *testing.T) {
	run(t, []spec{
		{
			name:  "changes the price of a gift",
			given: giftAdded(3, 30),
			by:    operator,
			when:  domain.RepriceGift{Gift: 3, Price: 50},
			then:  []domain.Event{domain.GiftRepriced{Gift: 3, From: 30, To: 50}},
		},
		{
			name:  "records the previous price",
			given: events(giftAdded(3, 30), []domain.Event{domain.GiftRepriced{Gift: 3, From: 30, To: 50}}),
			by:    operator,
			when:  domain.RepriceGift{Gift: 3, Price: 30},
			then:  []domain.Event{domain.GiftRepriced{Gift: 3, From: 50, To: 30}},
		},
		{
			name:  "changes nothing when the price is the same",
			given: giftAdded(3, 30),
			by:    operator,
			when:  domain.RepriceGift{Gift: 3, Price: 30},
		},
		{name: "is refused when the price is zero", given: giftAdded(3, 30), by: operator, when: domain.RepriceGift{Gift: 3}, refused: domain.CodeNumberOutOfRange},
		{name: "is refused when the price is too high", given: giftAdded(3, 30), by: operator, when: domain.RepriceGift{Gift: 3, Price: maxPrice + 1}, refused: domain.CodeNumberOutOfRange},
		{name: "is refused when the gift does not exist", by: operator, when: domain.RepriceGift{Gift: 3, Price: 30}, refused: domain.CodeGiftNotFound},
		{
			name:    "is refused when the gift was withdrawn",
			given:   events(giftAdded(3, 30), []domain.Event{domain.GiftWithdrawn{Gift: 3}}),
			by:      operator,
			when:    domain.RepriceGift{Gift: 3, Price: 50},
			refused: domain.CodeGiftNotFound,
		},
	})
}

func TestWithdrawGift(t *testing.T) {
	run(t, []spec{
		{
			name:  "removes a gift from the gift catalogue",
			given: giftAdded(3, 30),
			by:    operator,
			when:  domain.WithdrawGift{Gift: 3},
			then:  []domain.Event{domain.GiftWithdrawn{Gift: 3}},
		},
		{
			name:  "changes nothing when it is repeated",
			given: events(giftAdded(3, 30), []domain.Event{domain.GiftWithdrawn{Gift: 3}}),
			by:    operator,
			when:  domain.WithdrawGift{Gift: 3},
		},
		{name: "is refused when the gift does not exist", by: operator, when: domain.WithdrawGift{Gift: 3}, refused: domain.CodeGiftNotFound},
	})
}
