package domain_test

import (
	"math"
	"testing"

	"roomlog/domain"
)

const maxPrice = 1_000_000_000

func TestListGift(t *testing.T) {
	rose := func(price domain.Coins) domain.AddGift {
		return domain.AddGift{Name: " rose ", Image: "rose.png", Price: price}
	}
	run(t, []spec{
		{
			name: "puts a gift on the shelf",
			by:   operator,
			when: rose(30),
			then: []domain.Event{domain.GiftAdded{Gift: 1, Name: "rose", Image: "rose.png", Price: 30}},
		},
		{
			name:  "takes the next number although an earlier gift was withdrawn",
			given: events(giftListed(3, 30), []domain.Event{domain.GiftWithdrawn{Gift: 3}}),
			by:    operator,
			when:  rose(1),
			then:  []domain.Event{domain.GiftAdded{Gift: 4, Name: "rose", Image: "rose.png", Price: 1}},
		},
		{
			name: "needs no image",
			by:   operator,
			when: domain.AddGift{Name: "rose", Price: maxPrice},
			then: []domain.Event{domain.GiftAdded{Gift: 1, Name: "rose", Price: maxPrice}},
		},
		{name: "is refused without a name", by: operator, when: domain.AddGift{Price: 30}, refused: domain.CodeTextEmpty},
		{name: "is refused for nothing", by: operator, when: rose(0), refused: domain.CodeNumberOutOfRange},
		{name: "is refused for less than nothing", by: operator, when: rose(-30), refused: domain.CodeNumberOutOfRange},
		{name: "is refused for a price out of all bounds", by: operator, when: rose(maxPrice + 1), refused: domain.CodeNumberOutOfRange},
		{name: "is refused for the largest number there is", by: operator, when: rose(math.MaxInt64), refused: domain.CodeNumberOutOfRange},
	})
}

func TestRepriceGift(t *testing.T) {
	run(t, []spec{
		{
			name:  "changes what a gift costs",
			given: giftListed(3, 30),
			by:    operator,
			when:  domain.RepriceGift{Gift: 3, Price: 50},
			then:  []domain.Event{domain.GiftRepriced{Gift: 3, From: 30, To: 50}},
		},
		{
			name:  "starts from the newest price",
			given: events(giftListed(3, 30), []domain.Event{domain.GiftRepriced{Gift: 3, From: 30, To: 50}}),
			by:    operator,
			when:  domain.RepriceGift{Gift: 3, Price: 30},
			then:  []domain.Event{domain.GiftRepriced{Gift: 3, From: 50, To: 30}},
		},
		{
			name:  "changes nothing when it costs that already",
			given: giftListed(3, 30),
			by:    operator,
			when:  domain.RepriceGift{Gift: 3, Price: 30},
		},
		{name: "is refused for nothing", given: giftListed(3, 30), by: operator, when: domain.RepriceGift{Gift: 3}, refused: domain.CodeNumberOutOfRange},
		{name: "is refused for a price out of all bounds", given: giftListed(3, 30), by: operator, when: domain.RepriceGift{Gift: 3, Price: maxPrice + 1}, refused: domain.CodeNumberOutOfRange},
		{name: "is refused for a gift that does not exist", by: operator, when: domain.RepriceGift{Gift: 3, Price: 30}, refused: domain.CodeGiftNotFound},
		{
			name:    "is refused for a gift that was withdrawn",
			given:   events(giftListed(3, 30), []domain.Event{domain.GiftWithdrawn{Gift: 3}}),
			by:      operator,
			when:    domain.RepriceGift{Gift: 3, Price: 50},
			refused: domain.CodeGiftNotFound,
		},
	})
}

func TestWithdrawGift(t *testing.T) {
	run(t, []spec{
		{
			name:  "takes a gift off the shelf",
			given: giftListed(3, 30),
			by:    operator,
			when:  domain.WithdrawGift{Gift: 3},
			then:  []domain.Event{domain.GiftWithdrawn{Gift: 3}},
		},
		{
			name:  "changes nothing the second time",
			given: events(giftListed(3, 30), []domain.Event{domain.GiftWithdrawn{Gift: 3}}),
			by:    operator,
			when:  domain.WithdrawGift{Gift: 3},
		},
		{name: "is refused for a gift that does not exist", by: operator, when: domain.WithdrawGift{Gift: 3}, refused: domain.CodeGiftNotFound},
	})
}
