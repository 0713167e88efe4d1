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

// credited returns the event that credits an order of the viewer.
func credited(id domain.OrderID, coins, after domain.Coins) domain.Event {
	return domain.CoinsCredited{User: viewer, Order: id, Coins: coins, BalanceAfter: after, Postings: []domain.Posting{
		{Account: domain.ProviderAccount, Amount: -coins},
		{Account: domain.WalletAccount(viewer), Amount: coins},
	}}
}

// creditedByOperator is credited for an order that an operator has placed.
func creditedByOperator(id domain.OrderID, coins, after domain.Coins) domain.Event {
	e := credited(id, coins, after).(domain.CoinsCredited)
	e.Postings[0].Account = domain.OperatorAccount
	return e
}

func TestPlaceOrder(t *testing.T) {
	place := func(id domain.OrderID, price int64, coins domain.Coins) domain.PlaceOrder {
		return domain.PlaceOrder{Order: id, Price: price, Coins: coins}
	}
	specs := []spec{
		{name: "records user, price and coins", when: place("O1", 6, 60), then: []domain.Event{placed("O1")}},
		{
			name: "accepts the smallest order",
			when: place("O1", 1, 1),
			then: []domain.Event{domain.OrderPlaced{Order: "O1", User: viewer, Price: 1, Coins: 1}},
		},
		{
			name: "accepts the largest order",
			when: place("O1", maxOrderPrice, maxOrderCoins),
			then: []domain.Event{domain.OrderPlaced{Order: "O1", User: viewer, Price: maxOrderPrice, Coins: maxOrderCoins}},
		},
		{name: "is refused when the order exists", given: []domain.Event{placed("O1")}, when: place("O1", 6, 60), refused: domain.CodeOrderMismatch},
		{name: "is refused when another user has the order", given: []domain.Event{placed("O1")}, by: asUser(otherUser), when: place("O1", 6, 60), refused: domain.CodeOrderMismatch},
	}
	for _, price := range []int64{0, -6, maxOrderPrice + 1, math.MaxInt64, math.MinInt64} {
		specs = append(specs, spec{name: "is refused when the price is out of range", when: place("O1", price, 60), refused: domain.CodeNumberOutOfRange})
	}
	for _, coins := range []domain.Coins{0, -60, maxOrderCoins + 1, math.MaxInt64, math.MinInt64} {
		specs = append(specs, spec{name: "is refused when the coins are out of range", when: place("O1", 6, coins), refused: domain.CodeNumberOutOfRange})
	}
	for id, code := range invalidOrderIDs {
		specs = append(specs, spec{name: "is refused when the order id is invalid", when: place(id, 6, 60), refused: code})
	}
	run(t, specs)
}

// invalidOrderIDs maps ids that no order may have to the expected refusal. An id with surrounding space would look to a
// reader like another order's id.
var invalidOrderIDs = map[domain.OrderID]domain.Code{
	"":                                      domain.CodeTextEmpty,
	"O1 ":                                   domain.CodeTextInvalid,
	" O1":                                   domain.CodeTextInvalid,
	"O\x001":                                domain.CodeTextInvalid,
	"O\n1":                                  domain.CodeTextInvalid,
	"O\xff1":                                domain.CodeTextInvalid,
	"订单":                                    domain.CodeTextInvalid,
	domain.OrderID(strings.Repeat("O", 65)): domain.CodeTextTooLong,
	domain.OrderID(strings.Repeat("O", 1_000_000)): domain.CodeTextInvalid,
}

func TestPayOrder(t *testing.T) {
	pay := domain.PayOrder{Order: "O1", User: viewer, Price: 6}
	specs := []spec{
		{
			name:  "credits the coins",
			given: []domain.Event{placed("O1")},
			by:    provider,
			when:  pay,
			then:  []domain.Event{paid("O1"), credited("O1", 60, 60)},
		},
		{
			name:  "adds the coins to the balance",
			given: events(coinsCredited(viewer, 100), []domain.Event{placed("O1")}),
			by:    provider,
			when:  pay,
			then:  []domain.Event{paid("O1"), credited("O1", 60, 160)},
		},
		{
			name:  "fills a wallet to its maximum",
			given: events(coinsCredited(viewer, domain.MaxCoins-60), []domain.Event{placed("O1")}),
			by:    provider,
			when:  pay,
			then:  []domain.Event{paid("O1"), credited("O1", 60, domain.MaxCoins)},
		},
		{
			name:  "changes nothing when it is repeated",
			given: []domain.Event{placed("O1"), paid("O1"), credited("O1", 60, 60)},
			by:    provider,
			when:  pay,
		},
		{
			name:  "credits the coins of a disabled user",
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
		{name: "is refused when the order does not exist", by: provider, when: pay, refused: domain.CodeOrderNotFound},
		{name: "is refused without an order", by: provider, when: domain.PayOrder{}, refused: domain.CodeOrderNotFound},
	}
	for _, tt := range []struct {
		what  string
		given []domain.Event
	}{
		{"an order", []domain.Event{placed("O1")}},
		{"a paid order", []domain.Event{placed("O1"), paid("O1"), credited("O1", 60, 60)}},
	} {
		specs = append(specs,
			spec{name: "is refused for " + tt.what + " of another user", given: tt.given, by: provider, when: domain.PayOrder{Order: "O1", User: otherUser, Price: 6}, refused: domain.CodeOrderMismatch},
			spec{name: "is refused for " + tt.what + " of another price", given: tt.given, by: provider, when: domain.PayOrder{Order: "O1", User: viewer, Price: 7}, refused: domain.CodeOrderMismatch},
		)
	}
	run(t, specs)
}

func TestCreditCoins(t *testing.T) {
	credit := domain.CreditCoins{Order: "O1", User: viewer, Coins: 60}
	follows := []domain.Event{
		domain.OrderPlaced{Order: "O1", User: viewer, Coins: 60},
		domain.OrderPaid{Order: "O1", User: viewer},
		creditedByOperator("O1", 60, 60),
	}
	specs := []spec{
		{name: "places, pays and credits an order", by: operator, when: credit, then: follows},
		{name: "is accepted from a user with the role operator", by: asUser(operatorUser), when: credit, then: follows},
		{name: "is accepted for a disabled user", given: []domain.Event{domain.UserDisabled{User: viewer}}, by: operator, when: credit, then: follows},
		{name: "changes nothing when it is repeated", given: follows, by: operator, when: credit},
		{name: "changes nothing when the payment provider has paid the order", given: []domain.Event{placed("O1"), paid("O1"), credited("O1", 60, 60)}, by: operator, when: credit},
		{name: "is refused when the order is for another user", given: follows, by: operator, when: domain.CreditCoins{Order: "O1", User: otherUser, Coins: 60}, refused: domain.CodeOrderMismatch},
		{name: "is refused when the order is for another number of coins", given: follows, by: operator, when: domain.CreditCoins{Order: "O1", User: viewer, Coins: 61}, refused: domain.CodeOrderMismatch},
		{name: "is refused when the order is not paid", given: []domain.Event{placed("O1")}, by: operator, when: credit, refused: domain.CodeOrderMismatch},
		{name: "is refused when the user does not exist", by: operator, when: domain.CreditCoins{Order: "O1", User: 99, Coins: 60}, refused: domain.CodeUserUnavailable},
		{name: "is refused when the user is forgotten", given: []domain.Event{domain.UserForgotten{User: viewer}}, by: operator, when: credit, refused: domain.CodeUserUnavailable},
		{name: "is refused when the wallet would overflow", given: coinsCredited(viewer, domain.MaxCoins-59), by: operator, when: credit, refused: domain.CodeCoinsOverflow},
	}
	for _, coins := range []domain.Coins{0, -60, maxOrderCoins + 1, math.MaxInt64, math.MinInt64} {
		specs = append(specs, spec{name: "is refused when the coins are out of range", by: operator, when: domain.CreditCoins{Order: "O1", User: viewer, Coins: coins}, refused: domain.CodeNumberOutOfRange})
	}
	for id, code := range invalidOrderIDs {
		specs = append(specs, spec{name: "is refused when the order id is invalid", by: operator, when: domain.CreditCoins{Order: id, User: viewer, Coins: 60}, refused: code})
	}
	run(t, specs)
}
