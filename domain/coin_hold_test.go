package domain_test

import (
	"testing"

	"roomlog/domain"
)

func TestClosedCoins(t *testing.T) {
	closed := func(users []domain.UserID, all bool) []domain.Event {
		return events(liveOnAir(6), giftAdded(3, 30), coinsCredited(viewer, 100), []domain.Event{domain.CoinsClosed{Position: 9, Users: users, All: all, Cause: "x"}})
	}
	give := domain.SendGift{Live: 6, Gift: 3, Num: 1}
	run(t, []spec{
		{name: "refuse gifts of the user", given: closed([]domain.UserID{viewer}, false), when: give, refused: domain.CodeCoinsClosed},
		{name: "refuse gifts of everybody", given: closed(nil, true), when: give, refused: domain.CodeCoinsClosed},
		{name: "accept gifts of others", given: closed([]domain.UserID{streamer}, false), when: give, then: []domain.Event{sent(6, 30, 1, 30, 70)}},
		{name: "accept gifts when they are open again", given: append(closed([]domain.UserID{viewer}, true), domain.CoinsOpened{Position: 9}), when: give,
			then: []domain.Event{sent(6, 30, 1, 30, 70)}},
		{name: "stay closed by another event", given: append(closed([]domain.UserID{viewer}, false), domain.CoinsClosed{Position: 10, Users: []domain.UserID{viewer}},
			domain.CoinsOpened{Position: 9}), when: give, refused: domain.CodeCoinsClosed},
	})
}

func TestCoinsConcerned(t *testing.T) {
	specs := map[string]domain.EventSpec{}
	for _, s := range domain.Events {
		specs[s.Type] = s
	}
	for _, tt := range []struct {
		stream domain.Stream
		kind   string
		event  domain.Event
		users  int
		all    bool
	}{
		{"wallet-12", "gift.sent.v2", nil, 1, false},
		{"wallet-12", "gift.refunded.v2", nil, 1, false},
		{"wallet-012", "gift.sent.v2", nil, 0, true},
		{"wallet-99", "gift.sent.v2", sent(6, 30, 1, 30, 70), 2, false}, // an event of the viewer in the stream of another wallet
		{"ledger-1", "gift.sent.v2", nil, 0, true},
		{"ledger-1", "ledger.opened.v1", nil, 0, true},
		{"order-1", "order.refunded.v1", nil, 0, true},
		{"coins", "coins.closed.v1", nil, 0, true},
		{"comment-6", "comment.liked.v1", nil, 0, false},
		{"comment-6", "comment.posted.v1", nil, 0, false},
		{"gift-3", "gift.repriced.v1", nil, 0, false},
	} {
		spec, known := specs[tt.kind]
		if users, all := domain.CoinsConcerned(tt.stream, spec, known, tt.event); len(users) != tt.users || all != tt.all {
			t.Errorf("%s in %s: users %v, all %v", tt.kind, tt.stream, users, all)
		}
	}
}
