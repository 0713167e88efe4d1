package domain_test

import (
	"fmt"
	"time"

	"roomlog/domain"
)

// states folds the given events and returns the states of all streams, as the log loads them before a decision.
func states(events ...domain.Event) map[domain.Stream]any {
	states := map[domain.Stream]any{"coins": nil, "share": nil} // states of a log in which no event has closed coins or set a share
	for _, e := range events {
		for _, s := range domain.FoldsInto(e) {
			state, err := domain.Fold(s, states[s], e)
			if err != nil {
				panic(err)
			}
			states[s] = state
		}
	}
	return states
}

// history creates a live on air, a gift, and a user with 100 coins.
var history = []domain.Event{
	domain.LiveCreated{Live: 6, Streamer: 7, Title: "Evening songs"},
	domain.LiveStatusChanged{Live: 6, Streamer: 7, From: domain.StatusNotStarted, To: domain.StatusOnAir},
	domain.GiftAdded{Gift: 3, Name: "rose", Price: 30},
	domain.UserRegistered{User: 12, Username: "zoe"},
	domain.UserSignedIn{User: 12, Session: "s1"},
	domain.CoinsCredited{User: 12, Order: "O1", Coins: 100, BalanceAfter: 100},
}

// Decide returns the events that follow from a command. One GiftSent event contains the debit, the credit and the gift
// record.
func ExampleDecide() {
	request := domain.Request{
		Command: domain.SendGift{Live: 6, Gift: 3, Num: 2},
		Actor:   domain.AuthenticatedActor(12, "s1"),
	}
	events, err := domain.Decide(request, time.Now(), states(history...))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range events {
		sent := e.(domain.GiftSent)
		fmt.Println(sent.Type(), "on", sent.Stream())
		fmt.Println(sent.Coins, "coins paid,", sent.BalanceAfter, "left")
		fmt.Println(sent.Postings)
	}
	// Output:
	// gift.sent.v2 on wallet-12
	// 60 coins paid, 40 left
	// [{user-12 -60} {earnings-7 60}]
}

// AsRefusal separates a refusal, which is meant for the client, from a fault of the program.
func ExampleAsRefusal() {
	request := domain.Request{
		Command: domain.SendGift{Live: 6, Gift: 3, Num: 4},
		Actor:   domain.AuthenticatedActor(12, "s1"),
	}
	_, err := domain.Decide(request, time.Now(), states(history...))
	if refusal := domain.AsRefusal(err); refusal != nil {
		fmt.Println(refusal.Code)
		fmt.Println(refusal.Text)
		fmt.Println(refusal.Code.Chinese())
	}
	// Output:
	// coins_too_few
	// 4 gifts cost more than the 100 coins left
	// 金币不足，请先充值
}

// Fold applies events to the state of a stream one by one.
func ExampleFold() {
	var wallet any
	for _, e := range []domain.Event{
		domain.CoinsCredited{User: 12, Order: "O1", Coins: 100, BalanceAfter: 100},
		domain.GiftSent{Sender: 12, Streamer: 7, Live: 6, Gift: 3, Price: 30, Num: 2, Coins: 60, BalanceAfter: 40},
	} {
		var err error
		if wallet, err = domain.Fold("wallet-12", wallet, e); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(wallet)
	// Output: {40}
}

// Decisions and all servers use UserStatus.Check and CheckSession to admit users.
func ExampleUserStatus_Check() {
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	status := domain.UserStatus{Exists: true, Ban: domain.Ban{User: 12, Until: noon.Add(time.Hour).Unix()}}
	fmt.Println(status.Check(12, noon))
	fmt.Println(status.Check(12, noon.Add(time.Hour)))
	fmt.Println(domain.CheckSession("s2", "s1"))
	// Output:
	// banned: user 12 is banned
	// <nil>
	// session_ended: this session has ended: sign in again
}
