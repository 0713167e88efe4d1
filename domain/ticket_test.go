package domain_test

import (
	"fmt"
	"strings"
	"testing"

	"roomlog/domain"
)

func ticketIssued(user domain.UserID, coins domain.Coins) domain.Event {
	return domain.TicketIssued{Live: 6, User: user, Coins: coins}
}

// paidLive is live 6 before its start, with a price of 30 coins, and a viewer who has 100.
func paidLive(more ...domain.Event) []domain.Event {
	return events(liveCreated(6), coinsCredited(viewer, 100), []domain.Event{domain.LiveAccessSet{Live: 6, Access: domain.AccessPaid, Price: 30}}, more)
}

// bought are the events of a ticket for 30 coins that the viewer buys without a share of the platform.
func bought() []domain.Event {
	return []domain.Event{
		ticketIssued(viewer, 30),
		domain.TicketBought{User: viewer, Streamer: streamer, Live: 6, Coins: 30, BalanceAfter: 70,
			Postings: []domain.Posting{{Account: domain.WalletAccount(viewer), Amount: -30}, {Account: domain.EarningsAccount(streamer), Amount: 30}}},
	}
}

func status(from, to domain.Status) domain.Event {
	return domain.LiveStatusChanged{Live: 6, Streamer: streamer, From: from, To: to}
}

func TestSetAccessPaid(t *testing.T) {
	set := func(price domain.Coins) domain.SetAccess {
		return domain.SetAccess{Live: 6, Access: domain.AccessPaid, Price: price}
	}
	paid := domain.LiveAccessSet{Live: 6, Access: domain.AccessPaid, Price: 30}
	run(t, []spec{
		{name: "needs a price", given: liveCreated(6), by: asUser(streamer), when: set(0), refused: domain.CodeNumberOutOfRange},
		{name: "needs a price above 0", given: liveCreated(6), by: asUser(streamer), when: set(-1), refused: domain.CodeNumberOutOfRange},
		{name: "has a highest price", given: liveCreated(6), by: asUser(streamer), when: set(domain.MaxTicketPrice + 1), refused: domain.CodeNumberOutOfRange},
		{name: "has no password", given: liveCreated(6), by: asUser(streamer), when: domain.SetAccess{Live: 6, Access: domain.AccessPaid, Price: 30, Credential: "c1"}, refused: domain.CodeBadRequest},
		{name: "is accepted", given: liveCreated(6), by: asUser(streamer), when: set(30), then: []domain.Event{paid}},
		{name: "changes nothing when it is repeated", given: paidLive(), by: asUser(streamer), when: set(30)},
		{name: "changes the price while tickets are sold", given: paidLive(bought()...), by: asUser(streamer), when: set(40), then: []domain.Event{domain.LiveAccessSet{Live: 6, Access: domain.AccessPaid, Price: 40}}},
		{name: "alone has a price", given: liveCreated(6), by: asUser(streamer), when: domain.SetAccess{Live: 6, Access: domain.AccessFollowers, Price: 30}, refused: domain.CodeBadRequest},
		{name: "is accepted at the creation", by: asUser(streamer), when: domain.CreateLive{Title: "songs", StreamKey: streamKey, Access: domain.AccessPaid, Price: 30, MinAge: 18}, then: []domain.Event{
			domain.LiveCreated{Live: 1, Streamer: streamer, Title: "songs", StreamKey: streamKey}, domain.LiveAccessSet{Live: 1, Access: domain.AccessPaid, Price: 30}, domain.LiveAgeSet{Live: 1, MinAge: 18},
		}},
		{name: "is refused at the creation without a price", by: asUser(streamer), when: domain.CreateLive{Title: "songs", StreamKey: streamKey, Access: domain.AccessPaid}, refused: domain.CodeNumberOutOfRange},
		{name: "is refused at the creation of an open live with a price", by: asUser(streamer), when: domain.CreateLive{Title: "songs", StreamKey: streamKey, Price: 30}, refused: domain.CodeBadRequest},
	})
}

func TestMinAge(t *testing.T) {
	set := func(age int) domain.SetMinAge { return domain.SetMinAge{Live: 6, MinAge: age} }
	adults := []domain.Event{domain.LiveAgeSet{Live: 6, MinAge: 18}}
	aged := func(user domain.UserID, age int) domain.Event { return domain.UserAgeChanged{User: user, Age: age} }
	join := domain.JoinLive{Live: 6, Node: "p1"}
	invited := []domain.Event{invitationCreated(1, 1, 0), domain.InvitationUsed{Live: 6, User: viewer, Invitation: 1}, admitted(viewer, "", 1), ticketIssued(viewer, 30)}
	in := func(user domain.UserID) []domain.Event { return []domain.Event{joined(user, true, "p1")} }
	run(t, []spec{
		{name: "is set by the owner", given: liveOnAir(6), by: asUser(streamer), when: set(18), then: adults},
		{name: "is set by an operator", given: liveOnAir(6), by: operator, when: set(18), then: adults},
		{name: "changes nothing when it is repeated", given: events(liveOnAir(6), adults), by: operator, when: set(18)},
		{name: "is removed", given: events(liveOnAir(6), adults), by: operator, when: set(0), then: []domain.Event{domain.LiveAgeSet{Live: 6}}},
		{name: "is not set by a moderator", given: append(liveOnAir(6), appointed(otherUser)), by: asUser(otherUser), when: set(18), refused: domain.CodeLiveNotFound},
		{name: "is not below 0", given: liveOnAir(6), by: operator, when: set(-1), refused: domain.CodeNumberOutOfRange},
		{name: "is not above 100", given: liveOnAir(6), by: operator, when: set(101), refused: domain.CodeNumberOutOfRange},
		{name: "at the creation is not above 100", by: asUser(streamer), when: domain.CreateLive{Title: "songs", StreamKey: streamKey, MinAge: 101}, refused: domain.CodeNumberOutOfRange},
		{name: "refuses a user without an age", given: events(liveOnAir(6), adults), when: join, refused: domain.CodeLiveAge},
		{name: "refuses a younger user", given: events(liveOnAir(6), adults, []domain.Event{aged(viewer, 17)}), when: join, refused: domain.CodeLiveAge},
		{name: "refuses a younger user with an invitation and a ticket", given: events(liveOnAir(6), adults, invited), when: join, refused: domain.CodeLiveAge},
		{name: "refuses comments", given: events(liveOnAir(6), adults), when: domain.PostComment{Live: 6, Text: "hi"}, refused: domain.CodeLiveAge},
		{name: "refuses gifts", given: events(liveOnAir(6), adults, giftAdded(3, 1), coinsCredited(viewer, 9)), when: domain.SendGift{Live: 6, Gift: 3, Num: 1}, refused: domain.CodeLiveAge},
		{name: "refuses tickets", given: append(paidLive(), adults...), when: domain.BuyTicket{Live: 6, Price: 30, Streamer: streamer}, refused: domain.CodeLiveAge},
		{name: "lets a user of this age in", given: events(liveOnAir(6), adults, []domain.Event{aged(viewer, 18)}), when: join, then: in(viewer)},
		{name: "does not concern moderators", given: events(liveOnAir(6), adults, []domain.Event{appointed(otherUser)}), by: asUser(otherUser), when: join, then: in(otherUser)},
		{name: "does not concern the owner", given: events(liveOnAir(6), adults), by: asUser(streamer), when: join, then: in(streamer)},
	})
}

func TestBuyTicket(t *testing.T) {
	buy := domain.BuyTicket{Live: 6, Price: 30, Streamer: streamer}
	shared := []domain.Event{
		domain.TicketIssued{Live: 6, User: viewer, Coins: 30, Share: 9},
		domain.TicketBought{User: viewer, Streamer: streamer, Live: 6, Coins: 30, ShareRule: 1, BasisPoints: 3000, Share: 9, BalanceAfter: 70,
			Postings: []domain.Posting{{Account: domain.WalletAccount(viewer), Amount: -30}, {Account: domain.EarningsAccount(streamer), Amount: 21}, {Account: domain.PlatformAccount, Amount: 9}}},
	}
	run(t, []spec{
		{name: "moves the coins before the start", given: paidLive(), when: buy, then: bought()},
		{name: "moves the coins while the live is on air", given: paidLive(status(0, domain.StatusOnAir)), when: buy, then: bought()},
		{name: "splits the coins by the rule in force", given: paidLive(domain.ShareSet{Rule: 1, To: 3000}), when: buy, then: shared},
		{name: "is refused twice", given: paidLive(bought()...), when: buy, refused: domain.CodeTicketNotNeeded},
		{name: "is accepted again after a refund", given: paidLive(ticketIssued(viewer, 30), domain.TicketReturned{Live: 6, User: viewer, Reason: "ill"}), when: buy, then: bought()},
		{name: "is refused at another price", given: paidLive(), when: domain.BuyTicket{Live: 6, Price: 29, Streamer: streamer}, refused: domain.CodeTicketPrice},
		{name: "is refused for an open live", given: liveCreated(6), when: buy, refused: domain.CodeTicketNotSold},
		{name: "is refused after the access was changed", given: paidLive(accessSet(domain.AccessFollowers, "")), when: buy, refused: domain.CodeTicketNotSold},
		{name: "is refused after the end", given: paidLive(status(0, domain.StatusOnAir), status(1, domain.StatusEnded)), when: buy, refused: domain.CodeLiveEnded},
		{name: "is refused after a stop before the start", given: paidLive(status(0, domain.StatusEnded)), when: buy, refused: domain.CodeLiveEnded},
		{name: "is refused for a live that does not exist", when: buy, refused: domain.CodeLiveNotFound},
		{name: "is refused to a banned user", given: paidLive(domain.ViewerBanned{Live: 6, User: viewer}), when: buy, refused: domain.CodeBanned},
		{name: "is refused to the owner", given: paidLive(), by: asUser(streamer), when: buy, refused: domain.CodeTicketNotNeeded},
		{name: "is refused to a moderator", given: paidLive(appointed(viewer)), when: buy, refused: domain.CodeTicketNotNeeded},
		{name: "is refused to an operator", given: paidLive(), by: asUser(operatorUser), when: buy, refused: domain.CodeTicketNotNeeded},
		{name: "is refused to an invited user", given: paidLive(invitationCreated(1, 1, 0), admitted(viewer, "", 1)), when: buy, refused: domain.CodeTicketNotNeeded},
		{name: "is refused without coins", given: paidLive(), by: asUser(otherUser), when: buy, refused: domain.CodeCoinsTooFew},
		{name: "is refused while the coins are closed", given: paidLive(domain.CoinsClosed{Position: 9, Users: []domain.UserID{viewer}}), when: buy, refused: domain.CodeCoinsClosed},
		{name: "is refused after the streamer was forgotten", given: paidLive(domain.UserForgotten{User: streamer}), when: buy, refused: domain.CodeTicketNotSold},
		{name: "is refused while the streamer is banned", given: paidLive(domain.UserBanned{User: streamer}), when: buy, refused: domain.CodeTicketNotSold},
		{name: "is refused for another streamer", given: paidLive(), when: domain.BuyTicket{Live: 6, Price: 30, Streamer: otherUser}, refused: domain.CodeBadRequest},
	})
}

func TestRefundTicket(t *testing.T) {
	refund := domain.RefundTicket{Live: 6, User: viewer, Reason: " ill ", Streamer: streamer, Position: 8, Received: 30}
	changed := func(change func(*domain.RefundTicket)) domain.RefundTicket {
		c := refund
		change(&c)
		return c
	}
	refunded := []domain.Event{
		domain.TicketReturned{Live: 6, User: viewer, Position: 9, Reason: "ill"},
		domain.TicketEarningsRefunded{Streamer: streamer, Live: 6, Buyer: viewer, Coins: 30},
		domain.TicketRefunded{User: viewer, Streamer: streamer, Live: 6, Position: 9, Coins: 30, BalanceAfter: 100,
			Postings: []domain.Posting{{Account: domain.EarningsAccount(streamer), Amount: -30}, {Account: domain.WalletAccount(viewer), Amount: 30}}},
	}
	given := paidLive(bought()...)
	with := func(more ...domain.Event) []domain.Event { return events(given, more) }
	again := func(paid int64) []domain.Event { // the user had a ticket that was paid at a position, got the coins back, and bought another one
		return paidLive(events([]domain.Event{ticketIssued(viewer, 30), domain.TicketReturned{Live: 6, User: viewer, Position: paid, Reason: "ill"}}, bought())...)
	}
	onAir := status(0, domain.StatusOnAir)
	run(t, []spec{
		{name: "moves the coins back before the start", given: given, by: asUser(streamer), when: refund, then: refunded},
		{name: "is accepted while the live was only paused", given: with(status(0, domain.StatusPaused)), by: asUser(streamer), when: refund, then: refunded},
		{name: "is refused to the streamer after the start", given: with(onAir), by: asUser(streamer), when: refund, refused: domain.CodeTicketStarted},
		{name: "is refused to the streamer after the end", given: with(onAir, status(1, domain.StatusEnded)), by: asUser(streamer), when: refund, refused: domain.CodeTicketStarted},
		{name: "is accepted from an operator after the start", given: with(onAir), by: operator, when: refund, then: refunded},
		{name: "is accepted after the access has changed", given: with(accessSet(domain.AccessOpen, "")), by: asUser(streamer), when: refund, then: refunded},
		{name: "returns what was paid after the price has changed", given: with(domain.LiveAccessSet{Live: 6, Access: domain.AccessPaid, Price: 90}), by: asUser(streamer), when: refund, then: refunded},
		{name: "is accepted for a banned user", given: with(domain.ViewerBanned{Live: 6, User: viewer}), by: asUser(streamer), when: refund, then: refunded},
		{name: "is refused to the user before the end", given: given, when: refund, refused: domain.CodeForbidden},
		{name: "is refused to the user after the show", given: with(onAir, status(1, domain.StatusEnded)), when: refund, refused: domain.CodeForbidden},
		{name: "is accepted from the user if the live has ended without a start", given: with(status(0, domain.StatusEnded)), when: refund, then: refunded},
		{name: "is refused to the user if the live has ended after a broadcast", given: with(started(6, "s1", "p1"), stopped(6, "s1", domain.StopByPublisher, 1), status(0, domain.StatusEnded)), when: refund, refused: domain.CodeForbidden},
		{name: "is refused to the streamer after a broadcast", given: with(started(6, "s1", "p1")), by: asUser(streamer), when: refund, refused: domain.CodeTicketStarted},
		{name: "is refused after the payment was set aside", given: with(domain.EventSetAside{Position: 9, Of: domain.WalletStream(viewer), EventType: "ticket.bought.v1", Reason: "why"}), by: operator, when: refund, refused: domain.CodeTicketNotFound},
		{name: "is accepted after another payment was set aside", given: with(domain.EventSetAside{Position: 10, Of: domain.WalletStream(viewer), EventType: "ticket.bought.v1", Reason: "why"}), by: operator, when: refund, then: refunded},
		{name: "is refused when the tables lack the ticket", given: given, by: operator, when: changed(func(c *domain.RefundTicket) { c.Position = 0 }), refused: domain.CodeTicketNotFound},
		{name: "names the payment of a ticket that was bought again", given: again(8), by: asUser(streamer), when: refund, then: refunded},
		{name: "is refused when the tables have the ticket that was refunded before", given: again(9), by: asUser(streamer), when: refund, refused: domain.CodeTicketNotFound},
		{name: "is accepted after a refund of the earlier version", given: again(0), by: asUser(streamer), when: refund, then: refunded},
		{name: "is refused to an operator with the ticket", given: with(domain.UserRoleGranted{User: viewer, Role: domain.RoleOperator}), when: refund, refused: domain.CodeForbidden},
		{name: "is refused to others", given: given, by: asUser(otherUser), when: refund, refused: domain.CodeLiveNotFound},
		{name: "is refused to a moderator", given: with(appointed(otherUser)), by: asUser(otherUser), when: refund, refused: domain.CodeLiveNotFound},
		{name: "is refused twice", given: with(refunded...), by: operator, when: changed(func(c *domain.RefundTicket) { c.Received = 90 }), refused: domain.CodeTicketNotFound},
		{name: "is refused without a ticket", given: paidLive(), by: operator, when: refund, refused: domain.CodeTicketNotFound},
		{name: "is refused after the user was forgotten", given: with(domain.UserForgotten{User: viewer}), by: operator, when: refund, refused: domain.CodeUserUnavailable},
		{name: "is refused when the earnings are held for a payout", given: with(held("P1", 1)), by: operator, when: refund, refused: domain.CodeEarningsTooFew},
		{name: "is refused when the tables do not contain the ticket in the earnings", given: given, by: operator, when: changed(func(c *domain.RefundTicket) { c.Received = 29 }), refused: domain.CodeEarningsTooFew},
		{name: "is refused for another streamer", given: given, by: operator, when: changed(func(c *domain.RefundTicket) { c.Streamer = otherUser }), refused: domain.CodeBadRequest},
		{name: "is refused without a reason", given: given, by: operator, when: changed(func(c *domain.RefundTicket) { c.Reason = " " }), refused: domain.CodeTextEmpty},
		{name: "is refused with a long reason", given: given, by: operator, when: changed(func(c *domain.RefundTicket) { c.Reason = strings.Repeat("x", 101) }), refused: domain.CodeTextTooLong},
		{name: "is refused when the coins of the user are closed", given: with(domain.CoinsClosed{Position: 9, Users: []domain.UserID{viewer}}), by: operator, when: refund, refused: domain.CodeCoinsClosed},
		{name: "is refused when the coins of the streamer are closed", given: with(domain.CoinsClosed{Position: 9, Users: []domain.UserID{streamer}}), by: operator, when: refund, refused: domain.CodeCoinsClosed},
		{name: "is refused when the wallet is full", given: with(credited("more", domain.MaxCoins-70, domain.MaxCoins)), by: operator, when: refund, refused: domain.CodeCoinsOverflow},
		{name: "is refused for a live that does not exist", by: operator, when: refund, refused: domain.CodeLiveNotFound},
	})
}

// TestAccessOfANewerVersionIsRefused checks that nobody is let in by an access that this version does not know.
func TestAccessOfANewerVersionIsRefused(t *testing.T) {
	kind := domain.AccessKind("lottery")
	err := kind.Check(6, 0, domain.Entrant{Follows: true, Password: true})
	if r := domain.AsRefusal(err); !kind.Restricted() || r == nil || r.Code != domain.CodeForbidden {
		t.Errorf("got %v", err)
	}
}

// TestCheckCoinEventOfTickets checks that the bookkeeping of a ticket follows from its event alone.
func TestCheckCoinEventOfTickets(t *testing.T) {
	buy := bought()[1].(domain.TicketBought)
	back := domain.TicketRefunded{User: viewer, Streamer: streamer, Live: 6, Coins: 30, BalanceAfter: 100,
		Postings: []domain.Posting{{Account: domain.EarningsAccount(streamer), Amount: -30}, {Account: domain.WalletAccount(viewer), Amount: 30}}}
	for _, e := range []domain.CoinEvent{buy, back} {
		if err := domain.CheckCoinEvent(e.Stream(), e); err != nil {
			t.Error(err)
		}
	}
	free, shared, wrongRule, other, whole := buy, buy, buy, buy, back
	free.Coins, free.Postings = 0, nil
	shared.Share = 1
	wrongRule.BasisPoints = 5000
	other.Streamer = otherUser
	whole.Share = 30
	for i, e := range []domain.CoinEvent{free, shared, wrongRule, other, whole} {
		if err := domain.CheckCoinEvent(e.Stream(), e); err == nil {
			t.Error(fmt.Sprint(i, ": accepted"))
		}
	}
}
