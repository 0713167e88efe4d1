package domain_test

import (
	"math"
	"strings"
	"testing"

	"roomlog/domain"
)

const (
	maxOrderPrice = 1_000_000
	maxOrderCoins = 1_000_000_000_000
)

func placed(id domain.OrderID) domain.Event {
	return domain.OrderPlaced{Order: id, User: viewer, Price: 6, Coins: 60}
}

func paid(id domain.OrderID) domain.Event {
	return domain.OrderPaid{Order: id, User: viewer, Price: 6}
}

// credited is the arrival of bought coins in the viewer's wallet.
func credited(id domain.OrderID, coins, after domain.Coins) domain.Event {
	return domain.CoinsCredited{User: viewer, Order: id, Coins: coins, BalanceAfter: after, Postings: []domain.Posting{
		{Account: domain.ProviderAccount, Amount: -coins},
		{Account: domain.WalletAccount(viewer), Amount: coins},
	}}
}

func TestPlaceOrder(t *testing.T) {
	place := func(id domain.OrderID, price int64, coins domain.Coins) domain.PlaceOrder {
		return domain.PlaceOrder{Order: id, Price: price, Coins: coins}
	}
	specs := []spec{
		{name: "notes who buys what for how much", when: place("O1", 6, 60), then: []domain.Event{placed("O1")}},
		{
			name: "takes the smallest order",
			when: place("O1", 1, 1),
			then: []domain.Event{domain.OrderPlaced{Order: "O1", User: viewer, Price: 1, Coins: 1}},
		},
		{
			name: "takes the largest order",
			when: place("O1", maxOrderPrice, maxOrderCoins),
			then: []domain.Event{domain.OrderPlaced{Order: "O1", User: viewer, Price: maxOrderPrice, Coins: maxOrderCoins}},
		},
		{name: "is refused when the order exists", given: []domain.Event{placed("O1")}, when: place("O1", 6, 60), refused: domain.CodeOrderMismatch},
		{name: "is refused when another has the order", given: []domain.Event{placed("O1")}, by: signedIn(stranger), when: place("O1", 6, 60), refused: domain.CodeOrderMismatch},
	}
	for _, price := range []int64{0, -6, maxOrderPrice + 1, math.MaxInt64, math.MinInt64} {
		specs = append(specs, spec{name: "is refused for a price out of bounds", when: place("O1", price, 60), refused: domain.CodeNumberOutOfRange})
	}
	for _, coins := range []domain.Coins{0, -60, maxOrderCoins + 1, math.MaxInt64, math.MinInt64} {
		specs = append(specs, spec{name: "is refused for coins out of bounds", when: place("O1", 6, coins), refused: domain.CodeNumberOutOfRange})
	}
	for id, code := range badOrders {
		specs = append(specs, spec{name: "is refused with a number that is none", when: place(id, 6, 60), refused: code})
	}
	run(t, specs)
}

// badOrders are numbers that no order may have. One with a space around would be another order to
// the log and the same one to whoever reads it.
var badOrders = map[domain.OrderID]domain.Code{
	"":                                      domain.CodeTextEmpty,
	"O1 ":                                   domain.CodeTextInvalid,
	" O1":                                   domain.CodeTextInvalid,
	"O\x001":                                domain.CodeTextInvalid,
	"O\n1":                                  domain.CodeTextInvalid,
	"O\xff1":                                domain.CodeTextInvalid,
	"订单":                                    domain.CodeTextInvalid,
	domain.OrderID(strings.Repeat("O", 65)): domain.CodeTextTooLong,
	domain.OrderID(strings.Repeat("O", 10_000_000)): domain.CodeTextInvalid,
}

func TestPayOrder(t *testing.T) {
	pay := domain.PayOrder{Order: "O1", User: viewer, Price: 6}
	specs := []spec{
		{
			name:  "brings the coins",
			given: []domain.Event{placed("O1")},
			by:    provider,
			when:  pay,
			then:  []domain.Event{paid("O1"), credited("O1", 60, 60)},
		},
		{
			name:  "adds them to what is there",
			given: events(coinsCredited(viewer, 100), []domain.Event{placed("O1")}),
			by:    provider,
			when:  pay,
			then:  []domain.Event{paid("O1"), credited("O1", 60, 160)},
		},
		{
			name:  "fills a wallet to the brim",
			given: events(coinsCredited(viewer, domain.MaxCoins-60), []domain.Event{placed("O1")}),
			by:    provider,
			when:  pay,
			then:  []domain.Event{paid("O1"), credited("O1", 60, domain.MaxCoins)},
		},
		{
			name:  "changes nothing the second time",
			given: []domain.Event{placed("O1"), paid("O1"), credited("O1", 60, 60)},
			by:    provider,
			when:  pay,
		},
		{
			name:  "brings the coins of somebody who was locked out since: the money is there",
			given: []domain.Event{placed("O1"), domain.UserDisabled{User: viewer}},
			by:    provider,
			when:  pay,
			then:  []domain.Event{paid("O1"), credited("O1", 60, 60)},
		},
		{
			name:    "is refused when the wallet would overflow",
			given:   events(coinsCredited(viewer, domain.MaxCoins-59), []domain.Event{placed("O1")}),
			by:      provider,
			when:    pay,
			refused: domain.CodeCoinsOverflow,
		},
		{name: "is refused for an order that does not exist", by: provider, when: pay, refused: domain.CodeOrderNotFound},
		{name: "is refused for no order", by: provider, when: domain.PayOrder{}, refused: domain.CodeOrderNotFound},
	}
	for _, tt := range []struct {
		what  string
		given []domain.Event
	}{
		{"an order", []domain.Event{placed("O1")}},
		{"a paid order", []domain.Event{placed("O1"), paid("O1"), credited("O1", 60, 60)}},
	} {
		specs = append(specs,
			spec{name: "is refused for " + tt.what + " of another user", given: tt.given, by: provider, when: domain.PayOrder{Order: "O1", User: stranger, Price: 6}, refused: domain.CodeOrderMismatch},
			spec{name: "is refused for " + tt.what + " of another amount", given: tt.given, by: provider, when: domain.PayOrder{Order: "O1", User: viewer, Price: 7}, refused: domain.CodeOrderMismatch},
		)
	}
	run(t, specs)
}

func TestCreditCoins(t *testing.T) {
	credit := domain.CreditCoins{Order: "O1", User: viewer, Coins: 60}
	follows := []domain.Event{
		domain.OrderPlaced{Order: "O1", User: viewer, Coins: 60},
		domain.OrderPaid{Order: "O1", User: viewer},
		credited("O1", 60, 60),
	}
	specs := []spec{
		{name: "is order, payment and coins at once", by: operator, when: credit, then: follows},
		{name: "works for an operator who is a person", by: signedIn(boss), when: credit, then: follows},
		{name: "works for somebody who is locked out", given: []domain.Event{domain.UserDisabled{User: viewer}}, by: operator, when: credit, then: follows},
		{name: "changes nothing the second time", given: follows, by: operator, when: credit},
		{name: "changes nothing for an order paid otherwise", given: []domain.Event{placed("O1"), paid("O1"), credited("O1", 60, 60)}, by: operator, when: credit},
		{name: "is refused for an order of another user", given: follows, by: operator, when: domain.CreditCoins{Order: "O1", User: stranger, Coins: 60}, refused: domain.CodeOrderMismatch},
		{name: "is refused for an order of another amount", given: follows, by: operator, when: domain.CreditCoins{Order: "O1", User: viewer, Coins: 61}, refused: domain.CodeOrderMismatch},
		{name: "is refused for an order that waits for its money", given: []domain.Event{placed("O1")}, by: operator, when: credit, refused: domain.CodeOrderMismatch},
		{name: "is refused for somebody who does not exist", by: operator, when: domain.CreditCoins{Order: "O1", User: 99, Coins: 60}, refused: domain.CodeUserUnavailable},
		{name: "is refused for somebody forgotten", given: []domain.Event{domain.UserForgotten{User: viewer}}, by: operator, when: credit, refused: domain.CodeUserUnavailable},
		{name: "is refused when the wallet would overflow", given: coinsCredited(viewer, domain.MaxCoins-59), by: operator, when: credit, refused: domain.CodeCoinsOverflow},
	}
	for _, coins := range []domain.Coins{0, -60, maxOrderCoins + 1, math.MaxInt64, math.MinInt64} {
		specs = append(specs, spec{name: "is refused for coins out of bounds", by: operator, when: domain.CreditCoins{Order: "O1", User: viewer, Coins: coins}, refused: domain.CodeNumberOutOfRange})
	}
	for id, code := range badOrders {
		specs = append(specs, spec{name: "is refused with a number that is none", by: operator, when: domain.CreditCoins{Order: id, User: viewer, Coins: 60}, refused: code})
	}
	run(t, specs)
}
