package domain_test

import (
	"fmt"
	"math"

	"pgregory.net/rapid"

	"roomlog/domain"
)

// opening lets a story begin with somebody on air, something on the shelf, and coins.
func opening() []domain.Request {
	one, two := domain.AuthenticatedActor(1, "s1"), domain.AuthenticatedActor(2, "s1")
	return []domain.Request{
		{Command: domain.RegisterUser{Username: "a", NameKey: "k1"}},
		{Command: domain.RegisterUser{Username: "b", NameKey: "k2"}},
		{Command: domain.SignIn{User: 1, Session: "s1"}},
		{Command: domain.SignIn{User: 2, Session: "s1"}},
		{Command: domain.CreateLive{Title: "songs", StreamKey: key}, Actor: one},
		{Command: domain.ChangeLiveStatus{Live: 1, To: domain.LivePlay}, Actor: one},
		{Command: domain.AddGift{Name: "rose", Price: 3}, Actor: operator},
		{Command: domain.PlaceOrder{Order: "O1", Price: 1, Coins: 100}, Actor: two},
		{Command: domain.PayOrder{Order: "O1", User: 2, Price: 1}, Actor: provider},
	}
}

// anything draws a request: mostly one that could make sense, from few people, rooms and orders, so
// that they meet; sometimes an absurd one.
func (s *story) anything(t *rapid.T) domain.Request {
	c := s.command(t)
	switch roll(t, 4) {
	case 0: // with whatever right
		kinds := []domain.ActorKind{domain.Operator, domain.System, domain.PaymentProvider, domain.Anonymous}
		return domain.Request{Command: c, Actor: domain.Actor{Kind: kinds[roll(t, 2)]}}
	case 1: // whoever it is, in whatever session
		return domain.Request{Command: c, Actor: domain.AuthenticatedActor(user(t), rapid.SampledFrom([]string{"s1", "s2", ""}).Draw(t, "session"))}
	}
	for _, spec := range domain.Commands {
		if spec.Type != c.Type() {
			continue
		}
		switch spec.Access() {
		case "operator":
			return domain.Request{Command: c, Actor: operator}
		case "system":
			return domain.Request{Command: c, Actor: system}
		case "payment provider":
			return domain.Request{Command: c, Actor: provider}
		}
	}
	u := s.person(t)
	switch c := c.(type) {
	case domain.ChangeLiveStatus:
		u = s.streamer[c.Live]
	case domain.BanViewer:
		u = s.streamer[c.Live]
	case domain.UnbanViewer:
		u = s.streamer[c.Live]
	case domain.SendGift:
		u = oneOf(t, "rich", s.last.user, func(u domain.UserID) bool { return s.active(u) && s.balance[u] >= s.price[c.Gift] })
	}
	return domain.Request{Command: c, Actor: domain.AuthenticatedActor(u, s.session[u])}
}

func (s *story) command(t *rapid.T) domain.Command {
	if roll(t, 4) == 0 {
		return s.order(t)
	}
	live := oneOf(t, "live", s.last.live, s.open)
	gift := oneOf(t, "gift", s.last.gift, func(g domain.GiftID) bool { return s.price[g] > 0 })
	order := domain.OrderID(rapid.StringMatching("O[0-9]{0,2}").Draw(t, "order"))
	process := rapid.SampledFrom([]string{"p1", "p2"}).Draw(t, "process")
	kinds := []struct {
		weight int // of 64
		ask    func() domain.Command
	}{
		{2, func() domain.Command { return recording(t, live) }},
		{5, func() domain.Command {
			if roll(t, 2) > 0 {
				return domain.SendGift{Live: live, Gift: gift, Num: 1 + roll(t, 2)}
			}
			return domain.SendGift{Live: live, Gift: gift, Num: int(amount(t, "num"))}
		}},
		{5, func() domain.Command { return domain.JoinLive{Live: live, Node: process} }},
		{3, func() domain.Command {
			return domain.LeaveLive{Live: live, User: user(t), Cause: domain.LeaveRequested, Node: process}
		}},
		{2, func() domain.Command { return domain.PostComment{Live: live, Text: words(t)} }},
		{3, func() domain.Command {
			return domain.CreditCoins{Order: order, User: s.person(t), Coins: 100 * amount(t, "coins")}
		}},
		{5, func() domain.Command {
			return domain.PlaceOrder{Order: order, Price: int64(amount(t, "price")), Coins: 100 * amount(t, "coins")}
		}},
		{5, func() domain.Command {
			if o := s.orders[order]; o != nil && roll(t, 2) > 0 {
				return domain.PayOrder{Order: order, User: o.User, Price: o.Price}
			}
			return domain.PayOrder{Order: order, User: user(t), Price: int64(amount(t, "price"))}
		}},
		{2, func() domain.Command { return domain.CreateLive{Title: words(t), StreamKey: key} }},
		{4, func() domain.Command {
			changes := []domain.LiveChange{domain.LivePlay, domain.LivePlay, domain.LivePause, domain.LiveStop, ""}
			going := oneOf(t, "going", s.last.live, func(l domain.LiveID) bool { return s.status[l] != domain.StatusEnded })
			return domain.ChangeLiveStatus{Live: going, To: rapid.SampledFrom(changes).Draw(t, "to")}
		}},
		{3, func() domain.Command {
			return domain.StartBroadcast{Live: live, Broadcast: show(t), Node: process, OnAir: roll(t, 1) > 0}
		}},
		{2, func() domain.Command {
			return domain.StopBroadcast{Live: live, Broadcast: show(t), Cause: domain.StopConnectionLost}
		}},
		{1, func() domain.Command { return domain.KickBroadcast{Live: live, Reason: words(t)} }},
		{3, func() domain.Command { return domain.AddGift{Name: words(t), Price: amount(t, "price")} }},
		{2, func() domain.Command { return domain.RepriceGift{Gift: gift, Price: amount(t, "price")} }},
		{1, func() domain.Command { return domain.WithdrawGift{Gift: gift} }},
		{2, func() domain.Command {
			return domain.RegisterUser{Username: words(t), NameKey: rapid.StringMatching("k[0-9]").Draw(t, "name key")}
		}},
		{4, func() domain.Command {
			away := oneOf(t, "away", s.last.user, func(u domain.UserID) bool { return s.session[u] == "" && !s.out[u] && !s.gone[u] })
			return domain.SignIn{User: away, Session: rapid.SampledFrom([]string{"s1", "s2", ""}).Draw(t, "new session")}
		}},
		{1, func() domain.Command { return domain.SignOut{} }},
		{1, func() domain.Command { return domain.ChangeProfile{Nickname: words(t)} }},
		{1, func() domain.Command { return domain.IncrementAge{} }},
		{1, func() domain.Command {
			return domain.DisableUser{User: domain.UserID(roll(t, 3)), Lives: []domain.LiveID{1, 2, live}}
		}},
		{2, func() domain.Command {
			return domain.EnableUser{User: oneOf(t, "out", s.last.user, func(u domain.UserID) bool { return s.out[u] && !s.gone[u] })}
		}},
		{1, func() domain.Command { return domain.GrantRole{User: user(t), Role: role(t)} }},
		{2, func() domain.Command {
			role := role(t)
			return domain.RevokeRole{Role: role, User: oneOf(t, "of role", s.last.user, func(u domain.UserID) bool {
				user, _ := s.world[domain.Stream(fmt.Sprintf("user-%d", u))].(domain.User)
				return user.HasRole(role)
			})}
		}},
	}
	n := roll(t, 6)
	for _, kind := range kinds {
		if n -= kind.weight; n < 0 {
			return kind.ask()
		}
	}
	return domain.ForgetUser{User: domain.UserID(roll(t, 3))}
}

// person draws mostly somebody who may act.
func (s *story) person(t *rapid.T) domain.UserID {
	return oneOf(t, "person", s.last.user, s.active)
}

func (s *story) active(u domain.UserID) bool {
	return s.session[u] != "" && !s.out[u] && !s.gone[u] && !s.denied[u]
}

// order draws what keeps order among people.
func (s *story) order(t *rapid.T) domain.Command {
	live := oneOf(t, "live", s.last.live, s.open)
	seconds := rapid.SampledFrom([]int64{0, 60, 3600, -1}).Draw(t, "seconds")
	switch roll(t, 3) {
	case 0:
		return domain.KickUser{User: user(t), Reason: words(t)}
	case 1:
		return domain.KickConnection{Connection: domain.ConnectionID(words(t)), Reason: words(t)}
	case 2:
		return domain.BanUser{User: user(t), Seconds: seconds, Lives: []domain.LiveID{1, live, live}}
	case 3, 4:
		return domain.UnbanUser{User: oneOf(t, "banned", s.last.user, func(u domain.UserID) bool { return s.denied[u] && !s.gone[u] })}
	case 5:
		return domain.BanViewer{Live: live, User: user(t), Seconds: seconds}
	case 6:
		return domain.KickPlayer{Live: live, Player: domain.PlayerID(words(t)), Reason: words(t)}
	}
	return domain.UnbanViewer{Live: live, User: oneOf(t, "barred", s.last.user, func(u domain.UserID) bool {
		return s.barred[[2]int64{int64(live), int64(u)}]
	})}
}

// oneOf draws one of the ids 1 to last that fit, if any does and mostly; otherwise any small one.
func oneOf[ID ~int64](t *rapid.T, what string, last ID, fits func(ID) bool) ID {
	var fitting []ID
	for id := ID(1); id <= last; id++ {
		if fits(id) {
			fitting = append(fitting, id)
		}
	}
	if len(fitting) == 0 || roll(t, 3) == 0 {
		return ID(roll(t, 3))
	}
	return rapid.SampledFrom(fitting).Draw(t, what)
}

// roll draws one of 2^bits numbers, each as likely; what rapid draws by itself is mostly small.
func roll(t *rapid.T, bits int) int {
	n := 0
	for _, one := range rapid.SliceOfN(rapid.Bool(), bits, bits).Draw(t, "roll") {
		n *= 2
		if one {
			n++
		}
	}
	return n
}

func user(t *rapid.T) domain.UserID {
	return rapid.SampledFrom([]domain.UserID{2, 1, 3, 2, 1, 4, 5, 0}).Draw(t, "user")
}

func role(t *rapid.T) domain.Role {
	return rapid.SampledFrom([]domain.Role{domain.RoleOperator, domain.RoleAuditor, domain.RoleAnalyst, ""}).Draw(t, "role")
}

func show(t *rapid.T) domain.BroadcastID {
	return rapid.SampledFrom([]domain.BroadcastID{"show-1", "show-2", "show-3", ""}).Draw(t, "show")
}

// recording is something about recordings.
func recording(t *rapid.T, live domain.LiveID) domain.Command {
	id := domain.RecordingID(show(t))
	return rapid.SampledFrom([]domain.Command{
		domain.SetRecording{Live: live, On: roll(t, 1) > 0},
		domain.StartRecording{Live: live, Recording: id},
		domain.FinishRecording{Live: live, Recording: id, Cause: "lost", StartedAt: now, EndedAt: now},
		domain.DiscardRecording{Live: live, Recording: id, Cause: "quota"},
		domain.DeleteRecording{Live: live, Recording: id},
	}).Draw(t, "about a recording")
}

func words(t *rapid.T) string {
	return rapid.OneOf(rapid.StringMatching("[a-z]{1,9}"), rapid.String()).Draw(t, "words")
}

// amount draws small amounts, and those at which something could overflow.
func amount(t *rapid.T, what string) domain.Coins {
	return domain.Coins(rapid.OneOf(
		rapid.Int64Range(1, 9),
		rapid.Int64Range(1, 9),
		rapid.Int64Range(-1, 10_000),
		rapid.SampledFrom([]int64{maxPrice, maxOrderCoins, int64(domain.MaxCoins), math.MaxInt64, math.MinInt64, math.MaxInt64/2 + 1, 1 << 32}),
		rapid.Int64(),
	).Draw(t, what))
}
