package projtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/google/uuid"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

// Traffic is a group of users who issue random commands in a few lives.
type Traffic struct {
	*World
	Users []User
	Lives []domain.LiveID
	Gifts []domain.GiftID
	Seed  uint64 // Act issues the same commands in every run with the same Seed
}

// NewTraffic creates users with coins, lives on air and a gift catalogue.
func NewTraffic(w *World, users, lives int) *Traffic {
	w.Helper()
	c := &Traffic{World: w}
	for i := range 3 {
		c.Gifts = append(c.Gifts, w.AddGift(fmt.Sprintf("gift %d", i), domain.Coins(1+i*7)))
	}
	for i := range users {
		p := w.Register(fmt.Sprintf("user %d %s", i, uuid.NewString()[:8]))
		p.Credit(1000)
		c.Users = append(c.Users, p)
	}
	for i := range lives {
		c.Lives = append(c.Lives, c.Users[i%users].GoLive(fmt.Sprintf("live %d", i)))
	}
	return c
}

// Act executes n random commands with several workers at the same time. Some of the commands are refused.
func (c *Traffic) Act(workers, n int) {
	c.Helper()
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(worker), 7+c.Seed))
			for range n / workers {
				_, err := c.Sequencer.Execute(context.Background(), c.any(r))
				switch {
				case err == nil, domain.AsRefusal(err) != nil, errors.Is(err, eventstore.ErrUnavailable), errors.Is(err, eventstore.ErrOutcomeUnknown):
				default:
					c.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// any returns a request with a random command and a random user.
func (c *Traffic) any(r *rand.Rand) domain.Request {
	p, live := c.Users[r.IntN(len(c.Users))], c.Lives[r.IntN(len(c.Lives))]
	by := p.Actor()
	switch d := r.IntN(100); {
	case d < 10:
		return c.chats(r, p)
	case d < 25:
		return domain.Request{Actor: by, Command: domain.PostComment{Live: live, Text: fmt.Sprintf("comment %d", r.IntN(1000))}}
	case d < 28:
		return c.refund(r)
	case d < 55:
		return domain.Request{Actor: by, Command: domain.SendGift{Live: live, Gift: c.Gifts[r.IntN(len(c.Gifts))], Num: 1 + r.IntN(3)}}
	case d < 70:
		return domain.Request{Actor: by, Command: domain.JoinLive{Live: live, Node: fmt.Sprintf("node %d", r.IntN(3))}}
	case d < 85:
		return domain.Request{Actor: domain.Actor{Kind: domain.System}, Command: domain.LeaveLive{
			Live: live, User: p.ID, Cause: domain.LeaveRequested, Node: fmt.Sprintf("node %d", r.IntN(3)),
		}}
	case d < 90:
		return domain.Request{Actor: Operator, Command: domain.CreditCoins{Order: domain.OrderID(uuid.NewString()), User: p.ID, Coins: 50}}
	case d < 93:
		return domain.Request{Actor: by, Command: domain.ChangeProfile{Nickname: new(fmt.Sprintf("nick %d", r.IntN(1000)))}}
	case d < 95:
		return domain.Request{Actor: Operator, Command: domain.GrantRole{User: p.ID, Role: domain.Roles[r.IntN(len(domain.Roles))]}}
	case d < 97:
		return domain.Request{Actor: Operator, Command: domain.RevokeRole{User: p.ID, Role: domain.Roles[r.IntN(len(domain.Roles))]}}
	case d < 98 && d%2 == 0:
		broadcast := domain.BroadcastID(uuid.NewString())
		return domain.Request{Actor: domain.Actor{Kind: domain.System}, Command: domain.StartBroadcast{Live: live, Broadcast: broadcast, Node: "p1"}}
	case d < 98:
		return domain.Request{Actor: Operator, Command: domain.RepriceGift{Gift: c.Gifts[r.IntN(len(c.Gifts))], Price: domain.Coins(1 + r.IntN(30))}}
	default:
		return domain.Request{Actor: by, Command: domain.ChangeLiveStatus{Live: live, To: []domain.LiveChange{domain.LivePlay, domain.LivePause}[r.IntN(2)]}}
	}
}

// chats returns a request with a random command of the chat. There are few connections and names, so that requests
// conflict.
func (c *Traffic) chats(r *rand.Rand, p User) domain.Request {
	room := domain.ChatRoomID(strings.Repeat(fmt.Sprint(r.IntN(4)), 24))
	key := fmt.Sprint("n", r.IntN(5))
	participant := domain.ParticipantID(1 + r.IntN(30))
	switch r.IntN(10) {
	case 0:
		return domain.Request{Command: domain.CreateChatRoom{Name: "room", ChatRoom: room, NameKey: key, MaxChatRooms: 4}}
	case 1:
		return domain.Request{Actor: Operator, Command: domain.RemoveChatRoom{ChatRoom: room, NameKey: key}}
	case 2, 3:
		return domain.Request{Command: domain.EnterChat{Connection: key, Profile: domain.ProfilePlain, Nickname: "nick", NameKey: key, Node: "p1"}}
	case 4:
		return domain.Request{Actor: p.Actor(), Command: domain.EnterChat{Connection: key, Profile: domain.ProfileRooms, ChatRoom: room, Node: "p2"}}
	case 5:
		return domain.Request{Command: domain.JoinChatRoom{Participant: participant, ChatRoom: room}}
	case 6:
		return domain.Request{Command: domain.LeaveChatRoom{Participant: participant, ChatRoom: room}}
	case 7:
		return domain.Request{Actor: System, Command: domain.LeaveChat{Participant: participant, Cause: domain.LeaveRequested, Node: "p2"}}
	}
	return domain.Request{Actor: p.Actor(), Command: domain.PostMessage{Kind: domain.MessageText, Text: "hi", ChatRooms: []domain.ChatRoomID{room}}}
}

// refund returns a request that refunds a random gift of those that the tables contain. The gift may be refunded already, and
// the tables may be behind the log.
func (c *Traffic) refund(r *rand.Rand) domain.Request {
	found, err := c.Queries.GiftHistory(context.Background(), projections.GiftFilter{Window: projections.Window{After: r.Int64N(1000), OldestFirst: true, Limit: 1}})
	command := domain.RefundGift{Position: 1, Reason: "random"}
	if err == nil && len(found) > 0 {
		command.Position = found[0].Position
		command.Sent, command.Received, err = c.Queries.SentGift(context.Background(), command.Position)
	}
	if err != nil {
		c.Error(err)
	}
	return domain.Request{Actor: Operator, Command: command}
}
