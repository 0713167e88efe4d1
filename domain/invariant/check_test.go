package invariant_test

import (
	"strings"
	"testing"

	"roomlog/domain"
	"roomlog/domain/invariant"
)

// history contains the events of two users, a live and a gift.
var history = []domain.Event{
	domain.UserRegistered{User: 1, Username: "ann"},
	domain.UserRegistered{User: 2, Username: "bob"},
	domain.LiveCreated{Live: 1, Streamer: 1},
	domain.LiveStatusChanged{Live: 1, Streamer: 1, To: domain.StatusOnAir},
	domain.GiftAdded{Gift: 1, Name: "rose", Price: 10},
	domain.OrderPlaced{Order: "o", User: 2, Coins: 100},
	domain.OrderPaid{Order: "o", User: 2},
	domain.LiveAccessSet{Live: 1, Access: domain.AccessPaid, Price: 10},
	domain.TicketIssued{Live: 1, User: 3, Coins: 10},
	domain.TicketIssued{Live: 1, User: 4, Coins: 10, Share: 3},
	domain.TicketReturned{Live: 1, User: 4},
	domain.TicketIssued{Live: 1, User: 5, Coins: 10},
	domain.TicketReturned{Live: 1, User: 5, Position: 8},
	domain.TicketIssued{Live: 1, User: 6, Coins: 10},
	domain.TicketReturned{Live: 1, User: 6, Position: 8},
	domain.TicketIssued{Live: 1, User: 6, Coins: 10},
	domain.GiftRecordRefunded{Position: 9},
	domain.EarningsRefunded{Streamer: 1, Position: 9, Coins: 14},
	domain.CorrectionProposed{Correction: 1, Account: "user-2", User: 2, Coins: 5, Proposer: "operator-alice", Reason: "why", Expires: 4e9, Open: true},
	domain.CoinsCredited{User: 2, Order: "o", Coins: 100, BalanceAfter: 100, Postings: []domain.Posting{{Account: "provider", Amount: -100}, {Account: "user-2", Amount: 100}}},
}

var ticket = domain.TicketBought{User: 2, Streamer: 1, Live: 1, Coins: 10, BalanceAfter: 90,
	Postings: []domain.Posting{{Account: "user-2", Amount: -10}, {Account: "earnings-1", Amount: 10}}}

var ticketRefund = domain.TicketRefunded{User: 3, Streamer: 1, Live: 1, Coins: 10, BalanceAfter: 10,
	Postings: []domain.Posting{{Account: "earnings-1", Amount: -10}, {Account: "user-3", Amount: 10}}}

// refundOf refunds the ticket that a user has paid at a position.
func refundOf(user domain.UserID, position int64) domain.TicketRefunded {
	return domain.TicketRefunded{User: user, Streamer: 1, Live: 1, Position: position, Coins: 10, BalanceAfter: 10,
		Postings: []domain.Posting{{Account: "earnings-1", Amount: -10}, {Account: domain.WalletAccount(user), Amount: 10}}}
}

// giftRefund refunds the gift at position 9.
func giftRefund(coins, share domain.Coins) domain.GiftRefunded {
	return domain.GiftRefunded{Sender: 3, Streamer: 1, Live: 1, Gift: 1, Num: 2, Position: 9, Coins: coins, Share: share, BalanceAfter: coins,
		Postings: []domain.Posting{{Account: "earnings-1", Amount: share - coins}, {Account: "platform", Amount: -share}, {Account: "user-3", Amount: coins}}}
}

func gift(change func(*domain.GiftSent)) domain.GiftSent {
	e := domain.GiftSent{Sender: 2, Streamer: 1, Live: 1, Gift: 1, Name: "rose", Price: 10, Num: 2, Coins: 20, BalanceAfter: 80,
		Postings: []domain.Posting{{Account: "user-2", Amount: -20}, {Account: "earnings-1", Amount: 20}}}
	change(&e)
	return e
}

func TestCheck(t *testing.T) {
	t.Parallel()
	states := map[domain.Stream]any{}
	for _, e := range history {
		for _, s := range domain.FoldsInto(e) {
			var err error
			if states[s], err = domain.Fold(s, states[s], e); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tt := range []struct {
		name  string
		event domain.Event
		actor string
		fault string
	}{
		{"a gift", gift(func(*domain.GiftSent) {}), "user-2", ""},
		{"a gift of another user", gift(func(*domain.GiftSent) {}), "user-1", "user-1 could not cause gift.sent.v2"},
		{"an unknown actor", gift(func(*domain.GiftSent) {}), "user-02", `there is no actor "user-02"`},
		{"a gift at another price", gift(func(e *domain.GiftSent) { e.Price, e.Num = 5, 4 }), "user-2", "gift 1 costs 10"},
		{"a gift for another streamer", gift(func(e *domain.GiftSent) { e.Streamer = 2 }), "user-2", "the coins do not go to user 2"},
		{"a gift with a wrong balance", gift(func(e *domain.GiftSent) { e.BalanceAfter = 81 }), "user-2", "the event states a balance of 81 for user-2, its history adds up to 80"},
		{"a ticket", domain.TicketIssued{Live: 1, User: 2, Coins: 10}, "user-2", ""},
		{"a second ticket", domain.TicketIssued{Live: 1, User: 3, Coins: 10}, "user-3", "user 3 has a ticket for live 1 already"},
		{"a ticket at another price", domain.TicketIssued{Live: 1, User: 2, Coins: 9}, "user-2", `a ticket for live 1 with the access "paid" costs 10 coins, not 9 with the share 0`},
		{"a payment without a ticket", ticket, "user-2", "the ticket of user 2 for live 1 has {Coins:0 Share:0 Returned:false Refunded:0}, not {Coins:10 Share:0 Returned:false Refunded:0}"},
		{"a returned ticket that was not bought", domain.TicketReturned{Live: 1, User: 2}, "user-1", "user 2 has no ticket for live 1"},
		{"a ticket that another user returns", domain.TicketReturned{Live: 1, User: 3}, "user-2", "user-2 could not cause ticket.returned.v2"},
		{"a refund of a ticket that was not returned", ticketRefund, "user-1", "the ticket of user 3 for live 1 has {Coins:10 Share:0 Returned:false Refunded:0}, not {Coins:10 Share:0 Returned:true Refunded:0}"},
		{"a refund of a ticket", refundOf(5, 8), "user-1", ""},
		{"a refund of a ticket that was paid at another position", refundOf(5, 7), "user-1", "the ticket of user 5 for live 1 has {Coins:10 Share:0 Returned:true Refunded:8}, not {Coins:10 Share:0 Returned:true Refunded:7}"},
		{"a returned ticket of a later payment", domain.TicketReturned{Live: 1, User: 6, Position: 9}, "user-1", ""},
		{"a returned ticket of a payment that was refunded", domain.TicketReturned{Live: 1, User: 6, Position: 8}, "user-1", "the ticket of user 6 for live 1 that was paid at position 8 was refunded before: the newest refund is of position 8"},
		{"coins from the earnings for a ticket that was not returned", domain.TicketEarningsRefunded{Streamer: 1, Live: 1, Buyer: 3, Coins: 10}, "user-1", "the ticket of user 3 for live 1 has {Coins:10 Share:0 Returned:false Refunded:0}, not {Coins:10 Share:0 Returned:true Refunded:0}"},
		{"coins from the earnings for a returned ticket", domain.TicketEarningsRefunded{Streamer: 1, Live: 1, Buyer: 4, Coins: 7}, "user-1", ""},
		{"too many coins from the earnings for a ticket", domain.TicketEarningsRefunded{Streamer: 1, Live: 1, Buyer: 4, Coins: 10}, "user-1", "the streamer has 7 coins of the ticket of user 4 for live 1, not 10"},
		{"coins for a ticket from another streamer", domain.TicketEarningsRefunded{Streamer: 2, Live: 1, Buyer: 4, Coins: 7}, "operator", "live 1 belongs to another user than 2"},
		{"coins from the earnings for a gift", domain.EarningsRefunded{Streamer: 1, Position: 9, Coins: 14}, "user-1", ""},
		{"coins from the earnings for a gift that was not refunded", domain.EarningsRefunded{Streamer: 1, Position: 8, Coins: 14}, "user-1", "the gift at position 8 is not marked as refunded"},
		{"a refund of a gift", giftRefund(20, 6), "user-1", ""},
		{"a refund of a gift with more coins than the earnings gave", giftRefund(20, 5), "user-1", "the newest refund took 14 coins for position 9 from the earnings of user 1, not 15 for position 9"},
		{"an age that nobody has", domain.LiveAgeSet{Live: 1, MinAge: 101}, "user-1", "a live cannot need an age of 101 years"},
		{"an age below 0", domain.LiveAgeSet{Live: 1, MinAge: -1}, "user-1", "a live cannot need an age of -1 years"},
		{"an age", domain.LiveAgeSet{Live: 1, MinAge: 100}, "user-1", ""},
		{"a price of an open live", domain.LiveAccessSet{Live: 1, Access: domain.AccessOpen, Price: 10}, "user-1", "the access open cannot have the price 10"},
		{"a second creation", domain.LiveCreated{Live: 1, Streamer: 2}, "user-2", "live-1 was created before"},
		{"an id that is not the next one", domain.LiveCreated{Live: 3, Streamer: 2}, "user-2", "next-live becomes 3, expected 2"},
		{"an event before the creation", domain.LiveStatusChanged{Live: 9, Streamer: 1, To: domain.StatusOnAir}, "user-1", "live-9 was not created before"},
		{"a second credit of an order", domain.OrderPaid{Order: "o", User: 2}, "provider", "order o is of user 2, for 100 coins at the price 0, and paid; the event pays the price 0 for user 2"},
		{"a reprice from another price", domain.GiftRepriced{Gift: 1, From: 11, To: 12}, "operator", "gift 1 costs 10 before, not 11"},
		{"a reprice by a user", domain.GiftRepriced{Gift: 1, From: 10, To: 12}, "user-1", "user-1 could not cause"},
		{"an approval by another operator", domain.CorrectionApproved{Correction: 1, User: 2}, "operator-bob", ""},
		{"an approval by the proposer", domain.CorrectionApproved{Correction: 1, User: 2}, "operator-alice", "operator-alice could not cause correction.approved.v1"},
		{"an upload of an operator who is forgotten on their own request", domain.UploadDeleted{Upload: "u.png", User: 2}, "user-2", ""},
		{"an upload of another user", domain.UploadDeleted{Upload: "u.png", User: 2}, "user-1", "user-1 could not cause"},
		{"a ban of the owner", domain.ViewerBanned{Live: 1, User: 1, From: 5}, "operator", "user 1 is the owner of live 1"},
		{"a mute of the owner", domain.ViewerMuted{Live: 1, User: 1, From: 5}, "operator", "user 1 is the owner of live 1"},
		{"a ban that ends before it begins", domain.ViewerBanned{Live: 1, User: 2, From: 5, Until: 4}, "operator", "the exclusion of user 2 ends at 4, before it begins at 5"},
		{"a ban", domain.ViewerBanned{Live: 1, User: 2, From: 5, Until: 6}, "user-1", ""},
		{"the owner as a moderator", domain.ModeratorAppointed{Live: 1, User: 1}, "user-1", "user 1 is the owner of live 1"},
		{"a moderator", domain.ModeratorAppointed{Live: 1, User: 2}, "user-1", ""},
		{"an unknown mode", domain.LiveModeSet{Live: 1, Mode: "upside_down", Value: 1}, "user-1", `there is no mode "upside_down"`},
		{"a mode that is off until a time", domain.LiveModeSet{Live: 1, Mode: domain.ModeSlow, Until: 9}, "user-1", "the mode slow cannot have the value 0 until 9"},
		{"a mode", domain.LiveModeSet{Live: 1, Mode: domain.ModeSlow, Value: 5, Until: 9}, "user-1", ""},
		{"a change of a list of words without words", domain.WordsAdded{Live: 1}, "user-1", "no word was added"},
		{"a leave without a join", domain.ViewerLeft{Live: 1, User: 2}, "system", "user 2 is not in live 1"},
		{"a role that the user lacks", domain.UserRoleRevoked{User: 1, Role: domain.RoleAuditor}, "operator", "user 1 does not have the role auditor"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := invariant.Check(tt.event, tt.actor, func(s domain.Stream) (any, error) { return states[s], nil })
			if err != nil || tt.fault == "" && got != "" || !strings.HasPrefix(got, tt.fault) {
				t.Errorf("got %q, %v; want %q", got, err, tt.fault)
			}
		})
	}
}
