package projections_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/google/uuid"

	"roomlog/domain"
	"roomlog/eventstore"
)

// crowd is many people doing everything there is to do, at once.
type crowd struct {
	*world
	people []person
	lives  []domain.LiveID
	gifts  []domain.GiftID
}

// newCrowd makes people with coins, rooms on air and a shelf.
func newCrowd(w *world, people, lives int) *crowd {
	w.Helper()
	c := &crowd{world: w}
	for i := range 3 {
		c.gifts = append(c.gifts, w.list(fmt.Sprintf("gift %d", i), domain.Coins(1+i*7)))
	}
	for i := range people {
		p := w.register(fmt.Sprintf("person %d %s", i, uuid.NewString()[:8]))
		p.credit(1000)
		c.people = append(c.people, p)
	}
	for i := range lives {
		c.lives = append(c.lives, c.people[i%people].goLive(fmt.Sprintf("live %d", i)))
	}
	return c
}

// act has n commands carried out by workers at once. The rules refuse some of them.
func (c *crowd) act(workers, n int) {
	c.Helper()
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(worker), 7))
			for range n / workers {
				_, err := c.sequencer.Execute(context.Background(), c.any(r))
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

// any is a command of anybody.
func (c *crowd) any(r *rand.Rand) domain.Request {
	p, live := c.people[r.IntN(len(c.people))], c.lives[r.IntN(len(c.lives))]
	by := p.actor()
	switch d := r.IntN(100); {
	case d < 10:
		return c.chats(r, p)
	case d < 25:
		return domain.Request{Actor: by, Command: domain.PostComment{Live: live, Text: fmt.Sprintf("comment %d", r.IntN(1000))}}
	case d < 55:
		return domain.Request{Actor: by, Command: domain.SendGift{Live: live, Gift: c.gifts[r.IntN(len(c.gifts))], Num: 1 + r.IntN(3)}}
	case d < 70:
		return domain.Request{Actor: by, Command: domain.JoinLive{Live: live, Node: fmt.Sprintf("process %d", r.IntN(3))}}
	case d < 85:
		return domain.Request{Actor: domain.Actor{Kind: domain.System}, Command: domain.LeaveLive{
			Live: live, User: p.id, Cause: domain.LeaveRequested, Node: fmt.Sprintf("process %d", r.IntN(3)),
		}}
	case d < 90:
		return domain.Request{Actor: operator, Command: domain.CreditCoins{Order: domain.OrderID(uuid.NewString()), User: p.id, Coins: 50}}
	case d < 93:
		return domain.Request{Actor: by, Command: domain.ChangeProfile{Nickname: fmt.Sprintf("nick %d", r.IntN(1000))}}
	case d < 95:
		return domain.Request{Actor: operator, Command: domain.GrantRole{User: p.id, Role: domain.Roles[r.IntN(len(domain.Roles))]}}
	case d < 97:
		return domain.Request{Actor: operator, Command: domain.RevokeRole{User: p.id, Role: domain.Roles[r.IntN(len(domain.Roles))]}}
	case d < 98 && d%2 == 0:
		show := domain.BroadcastID(uuid.NewString())
		return domain.Request{Actor: domain.Actor{Kind: domain.System}, Command: domain.StartBroadcast{Live: live, Broadcast: show, Node: "p1"}}
	case d < 98:
		return domain.Request{Actor: operator, Command: domain.RepriceGift{Gift: c.gifts[r.IntN(len(c.gifts))], Price: domain.Coins(1 + r.IntN(30))}}
	default:
		return domain.Request{Actor: by, Command: domain.ChangeLiveStatus{Live: live, To: []domain.LiveChange{domain.LivePlay, domain.LivePause}[r.IntN(2)]}}
	}
}
