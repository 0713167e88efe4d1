package domain_test

import (
	"slices"
	"strconv"
	"strings"

	"fmt"
	"math"
	"reflect"
	"time"

	"pgregory.net/rapid"

	"roomlog/domain"
)

// openingRequests returns requests that create two users, a live on air, a gift, coins and an upload.
func openingRequests() []domain.Request {
	one, two := domain.AuthenticatedActor(1, "s1"), domain.AuthenticatedActor(2, "s1")
	return []domain.Request{
		{Command: domain.RegisterUser{Username: "a", NameKey: "k1"}},
		{Command: domain.RegisterUser{Username: "b", NameKey: "k2"}},
		{Command: domain.SignIn{User: 1, Session: "s1"}},
		{Command: domain.SignIn{User: 2, Session: "s1"}},
		{Command: domain.CreateLive{Title: "songs", StreamKey: streamKey}, Actor: one},
		{Command: domain.ChangeLiveStatus{Live: 1, To: domain.LivePlay}, Actor: one},
		{Command: domain.AddGift{Name: "rose", Price: 3}, Actor: operator},
		{Command: domain.PlaceOrder{Order: "O1", Price: 1, Coins: 100}, Actor: two},
		{Command: domain.PayOrder{Order: "O1", User: 2, Price: 1}, Actor: provider},
		{Command: domain.AddUpload{Upload: "a.png", Bytes: 1, Quota: 2, Files: 2}, Actor: two},
	}
}

// randomRequest draws a request that will probably succeed. There are few users, lives and orders, so that requests
// affect each other.
func (s *story) randomRequest(t *rapid.T) domain.Request {
	c := s.randomCommand(t)
	switch randomBits(t, 4) {
	case 0: // issue the request as another kind of actor
		kinds := []domain.ActorKind{domain.Operator, domain.System, domain.PaymentProvider, domain.Anonymous}
		return domain.Request{Command: c, Actor: domain.Actor{Kind: kinds[randomBits(t, 2)]}}
	case 1: // issue the request as another user or with another session
		return domain.Request{Command: c, Actor: domain.AuthenticatedActor(randomUserID(t), rapid.SampledFrom([]string{"s1", "s2", ""}).Draw(t, "session"))}
	}
	for _, spec := range domain.Commands {
		if spec.Type != c.Type() {
			continue
		}
		switch spec.Access() {
		case "operator":
			if _, second := c.(domain.ApproveCorrection); second {
				return domain.Request{Command: c, Actor: domain.OperatorActor("second")}
			}
			return domain.Request{Command: c, Actor: operator}
		case "system":
			return domain.Request{Command: c, Actor: system}
		case "payment provider":
			return domain.Request{Command: c, Actor: provider}
		}
	}
	u := s.randomUser(t)
	switch c := c.(type) {
	case domain.ChangeLiveStatus:
		u = s.streamer[c.Live]
	case domain.BanViewer:
		u = s.streamer[c.Live]
	case domain.UnbanViewer:
		u = s.streamer[c.Live]
	case domain.SetMode:
		u = s.streamer[c.Live]
	case domain.AddWords:
		u = s.streamer[c.Live]
	case domain.RemoveWords:
		u = s.streamer[c.Live]
	case domain.ReleaseComment:
		u = s.streamer[c.Live]
	case domain.DropComment:
		u = s.streamer[c.Live]
	case domain.ClaimReport:
		u = s.streamer[c.Live]
	case domain.DecideReport:
		u = s.streamer[c.Live]
	case domain.WarnViewer:
		u = s.streamer[c.Live]
	case domain.MuteViewer:
		u = s.streamer[c.Live]
	case domain.UnmuteViewer:
		u = s.streamer[c.Live]
	case domain.AppointModerator:
		u = s.streamer[c.Live]
	case domain.RemoveModerator:
		u = s.streamer[c.Live]
	case domain.SetAccess:
		u = s.streamer[c.Live]
	case domain.SetMinAge:
		u = s.streamer[c.Live]
	case domain.BuyTicket:
		u = randomID(t, "buyer", s.last.user, func(u domain.UserID) bool { return s.active(u) && s.balance[u] >= c.Price })
	case domain.RefundTicket:
		if s.status[c.Live] != domain.StatusNotStarted { // only an operator may, in most cases
			return domain.Request{Command: c, Actor: operator}
		}
		u = rapid.SampledFrom([]domain.UserID{s.streamer[c.Live], c.User}).Draw(t, "by")
	case domain.CreateInvitation:
		u = s.streamer[c.Live]
	case domain.RevokeInvitation:
		u = s.streamer[c.Live]
	case domain.UnfollowUser:
		u = randomID(t, "follower", s.last.user, func(u domain.UserID) bool {
			follows, _ := s.world[domain.FollowsStream(u)].(domain.Follows)
			return s.active(u) && follows.Since(c.Streamer) != 0
		})
	case domain.RevokePublishKey:
		u = s.streamer[c.Live]
	case domain.SetRestream:
		u = s.streamer[c.Live]
	case domain.RemoveRestream:
		u = s.streamer[c.Live]
	case domain.ClearComments:
		u = s.streamer[c.Live]
	case domain.RemoveComment:
		u = s.streamer[c.Live]
	case domain.RefundGift:
		u = c.Sent.Streamer
	case domain.SendGift:
		u = randomID(t, "sender", s.last.user, func(u domain.UserID) bool { return s.active(u) && s.balance[u] >= s.price[c.Gift] })
	}
	return domain.Request{Command: c, Actor: domain.AuthenticatedActor(u, s.session[u])}
}

func (s *story) randomCommand(t *rapid.T) domain.Command {
	if s.next != nil && randomBits(t, 2) == 0 {
		c := s.next
		s.next = nil
		return c
	}
	switch randomBits(t, 4) {
	case 0:
		return s.randomModeration(t)
	case 1:
		return s.anyCommand(t)
	case 2:
		return s.randomReview(t)
	}
	live := randomID(t, "live", s.last.live, s.open)
	gift := randomID(t, "gift", s.last.gift, func(g domain.GiftID) bool { return s.price[g] > 0 })
	order := domain.OrderID(rapid.StringMatching("O[0-9]{0,2}").Draw(t, "order"))
	node := rapid.SampledFrom([]string{"p1", "p2"}).Draw(t, "node")
	kinds := []struct {
		weight int // probability of the command, in 64ths
		ask    func() domain.Command
	}{
		{2, func() domain.Command { return randomRecordingCommand(t, live) }},
		{4, func() domain.Command {
			if randomBits(t, 2) > 0 {
				return domain.SendGift{Live: live, Gift: gift, Num: 1 + randomBits(t, 2)}
			}
			return domain.SendGift{Live: live, Gift: gift, Num: int(randomAmount(t, "num"))}
		}},
		{3, func() domain.Command {
			if randomBits(t, 1) > 0 {
				return s.randomTicket(t)
			}
			return s.randomRefund(t)
		}},
		{3, func() domain.Command { return s.randomCorrection(t) }},
		{2, func() domain.Command { return randomAccess(t, live) }},
		{3, func() domain.Command {
			if randomBits(t, 2) == 0 {
				return randomWebhook(t)
			}
			return s.randomPayout(t)
		}},
		{1, func() domain.Command {
			if randomBits(t, 1) > 0 {
				return domain.UnfollowUser{Streamer: 1}
			}
			return domain.FollowUser{Streamer: 1}
		}},
		{2, func() domain.Command { return domain.JoinLive{Live: live, Node: node} }},
		{2, func() domain.Command {
			return domain.LeaveLive{Live: live, User: randomUserID(t), Cause: domain.LeaveRequested, Node: node}
		}},
		{1, func() domain.Command { return domain.PostComment{Live: live, Text: randomText(t)} }},
		{1, func() domain.Command {
			position := int64(1 + randomBits(t, 1)) // only few positions, so that a story also opens coins that it has closed
			if randomBits(t, 2) > 0 {
				return domain.OpenCoins{Position: position}
			}
			return domain.CloseCoins{Position: position, Users: []domain.UserID{randomUserID(t)}, All: randomBits(t, 2) == 0, Cause: "cannot be read"}
		}},
		{1, func() domain.Command {
			upload := domain.UploadID(rapid.SampledFrom([]string{"a.png", "b.png"}).Draw(t, "upload"))
			if randomBits(t, 1) > 0 {
				return domain.AddUpload{Upload: upload, Bytes: 1, Quota: 2, Files: 2}
			}
			return domain.ExpireUpload{Upload: upload, User: randomUserID(t)}
		}},
		{2, func() domain.Command {
			return domain.CreditCoins{Order: order, User: s.randomUser(t), Coins: 100 * randomAmount(t, "coins")}
		}},
		{3, func() domain.Command {
			return domain.PlaceOrder{Order: order, Price: int64(randomAmount(t, "price")), Coins: 100 * randomAmount(t, "coins")}
		}},
		{3, func() domain.Command {
			if o := s.orders[order]; o != nil && randomBits(t, 2) > 0 {
				return domain.PayOrder{Order: order, User: o.User, Price: o.Price}
			}
			return domain.PayOrder{Order: order, User: randomUserID(t), Price: int64(randomAmount(t, "price"))}
		}},
		{2, func() domain.Command { return domain.CreateLive{Title: randomText(t), StreamKey: streamKey} }},
		{4, func() domain.Command {
			changes := []domain.LiveChange{domain.LivePlay, domain.LivePlay, domain.LivePause, domain.LiveStop, ""}
			going := randomID(t, "not ended", s.last.live, func(l domain.LiveID) bool { return s.status[l] != domain.StatusEnded })
			return domain.ChangeLiveStatus{Live: going, To: rapid.SampledFrom(changes).Draw(t, "to")}
		}},
		{2, func() domain.Command {
			return domain.StartBroadcast{Live: live, Broadcast: randomBroadcast(t), Node: node, OnAir: randomBits(t, 1) > 0}
		}},
		{2, func() domain.Command {
			return domain.StopBroadcast{Live: live, Broadcast: randomBroadcast(t), Cause: domain.StopConnectionLost}
		}},
		{1, func() domain.Command { return domain.KickBroadcast{Live: live, Reason: randomText(t)} }},
		{2, func() domain.Command { return domain.AddGift{Name: randomText(t), Price: randomAmount(t, "price")} }},
		{2, func() domain.Command { return domain.RepriceGift{Gift: gift, Price: randomAmount(t, "price")} }},
		{1, func() domain.Command { return domain.WithdrawGift{Gift: gift} }},
		{2, func() domain.Command {
			return domain.RegisterUser{Username: randomText(t), NameKey: rapid.StringMatching("k[0-9]").Draw(t, "name key")}
		}},
		{4, func() domain.Command {
			away := randomID(t, "signed out", s.last.user, func(u domain.UserID) bool { return s.session[u] == "" && !s.disabled[u] && !s.forgotten[u] })
			return domain.SignIn{User: away, Session: rapid.SampledFrom([]string{"s1", "s2", ""}).Draw(t, "new session")}
		}},
		{1, func() domain.Command { return domain.SignOut{} }},
		{1, func() domain.Command { return domain.ChangeProfile{Nickname: new(randomText(t))} }},
		{1, func() domain.Command {
			switch streamer := domain.UserID(1 + randomBits(t, 1)); randomBits(t, 2) {
			case 0:
				return domain.IncrementAge{}
			case 1:
				return domain.UnfollowUser{Streamer: streamer}
			default:
				return domain.FollowUser{Streamer: streamer}
			}
		}},
		{1, func() domain.Command { return domain.ChangeProfile{Age: new(rapid.IntRange(-1, 3).Draw(t, "age"))} }},
		{1, func() domain.Command {
			return domain.DisableUser{User: domain.UserID(randomBits(t, 3)), Lives: []domain.LiveID{1, 2, live}}
		}},
		{2, func() domain.Command {
			return domain.EnableUser{User: randomID(t, "out", s.last.user, func(u domain.UserID) bool { return s.disabled[u] && !s.forgotten[u] })}
		}},
		{1, func() domain.Command { return domain.GrantRole{User: randomUserID(t), Role: randomRole(t)} }},
		{2, func() domain.Command {
			role := randomRole(t)
			return domain.RevokeRole{Role: role, User: randomID(t, "of role", s.last.user, func(u domain.UserID) bool {
				user, _ := s.world[domain.Stream(fmt.Sprintf("user-%d", u))].(domain.User)
				return user.HasRole(role)
			})}
		}},
	}
	n := randomBits(t, 6)
	for _, kind := range kinds {
		if n -= kind.weight; n < 0 {
			return kind.ask()
		}
	}
	return domain.ForgetUser{User: domain.UserID(randomBits(t, 3))}
}

// randomAccess draws a command about who may be in a live.
func randomAccess(t *rapid.T, live domain.LiveID) domain.Command {
	switch randomBits(t, 3) {
	case 0, 1:
		kind := rapid.SampledFrom(append(domain.AccessKinds[:], domain.AccessOpen, domain.AccessPassword)).Draw(t, "access")
		if kind == domain.AccessPassword {
			return domain.SetAccess{Live: live, Access: kind, Credential: "c1"}
		}
		if kind == domain.AccessPaid {
			return domain.SetAccess{Live: live, Access: kind, Price: 5}
		}
		return domain.SetAccess{Live: live, Access: kind}
	case 2:
		return domain.EnterPassword{Live: live, Credential: "c1"}
	case 3, 4:
		return domain.CreateInvitation{Live: live, Uses: int64(1 + randomBits(t, 1)), Hash: "h1"}
	case 5, 6:
		return domain.UseInvitation{Live: live, Hash: "h1"}
	default:
		return domain.RevokeInvitation{Live: live, Invitation: int64(1 + randomBits(t, 1))}
	}
}

// followUp returns the command that undoes an event or needs it, or nil. Without such commands hardly any story would contain
// their events.
func followUp(e domain.Event) domain.Command {
	switch e := e.(type) {
	case domain.TicketBought:
		return domain.RefundTicket{Live: e.Live, User: e.User, Reason: "why", Streamer: e.Streamer, Position: 1, Received: e.Coins - e.Share}
	case domain.UserBanned:
		return domain.UnbanUser{User: e.User}
	case domain.ViewerBanned:
		return domain.UnbanViewer{Live: e.Live, User: e.User}
	case domain.ViewerMuted:
		return domain.UnmuteViewer{Live: e.Live, User: e.User}
	case domain.ModeratorAppointed:
		return domain.RemoveModerator{Live: e.Live, User: e.User}
	case domain.WordsAdded:
		return domain.RemoveWords{Live: e.Live, Words: e.Words}
	case domain.PublishKeySet:
		return domain.RevokePublishKey{Live: e.Live}
	case domain.RestreamSet:
		return domain.RemoveRestream{Live: e.Live, Target: e.Target}
	case domain.RecordingStarted:
		return domain.DiscardRecording{Live: e.Live, Recording: e.Recording, Cause: "quota"}
	case domain.CommentPosted:
		return domain.ClearComments{Live: e.Live, User: e.User}
	case domain.CommentsCleared:
		return domain.RemoveComment{Live: e.Live, Comment: 1, Author: e.User, PostedAt: noon}
	case domain.ViewerUnmuted:
		return domain.SetMode{Live: e.Live, Mode: domain.ModeSlow, Value: 1}
	case domain.LiveModeSet:
		if e.Mode == domain.ModeSlow && e.Value > 0 {
			return domain.PostComment{Live: e.Live, Text: "slowly"}
		}
	}
	return nil
}

// randomUser draws a user, usually one who may act.
func (s *story) randomUser(t *rapid.T) domain.UserID {
	return randomID(t, "user", s.last.user, s.active)
}

func (s *story) active(u domain.UserID) bool {
	return s.session[u] != "" && !s.disabled[u] && !s.forgotten[u] && !s.banned[u]
}

// randomReview draws a command about held comments or reports.
func (s *story) randomReview(t *rapid.T) domain.Command {
	live := randomID(t, "live", s.last.live, s.open)
	review, _ := s.world[domain.Stream(fmt.Sprintf("review-%d", live))].(domain.Review)
	reports, _ := s.world[domain.Stream(fmt.Sprintf("reports-%d", live))].(domain.Reports)
	if len(review.Waiting) > 0 && randomBits(t, 1) > 0 {
		c := review.Waiting[0]
		if randomBits(t, 1) > 0 {
			return domain.DropComment{Live: live, Held: c.Held, Author: c.User, Reason: randomText(t)}
		}
		return domain.ReleaseComment{Live: live, Held: c.Held, Author: c.User, Text: "text"}
	}
	if len(reports.Open) > 0 && randomBits(t, 1) > 0 {
		o := reports.Open[0]
		if randomBits(t, 1) > 0 {
			return domain.ClaimReport{Live: live, Report: o.Report}
		}
		return domain.DecideReport{Live: live, Report: o.Report, Decision: domain.ReportUpheld, Reporters: o.Reporters}
	}
	switch randomBits(t, 2) {
	case 0:
		return domain.AddWords{Live: live, Words: []string{"ab"}, Act: domain.WordHold}
	case 1:
		return domain.WarnViewer{Live: live, User: randomUserID(t), Reason: "why"}
	case 2:
		return domain.SendReport{Live: live, User: randomUserID(t), Cause: domain.ReportSpam, Text: randomText(t)}
	}
	return domain.PostComment{Live: live, Text: "ab"}
}

// randomModeration draws a kick, a ban or the end of a ban.
func (s *story) randomModeration(t *rapid.T) domain.Command {
	live := randomID(t, "live", s.last.live, s.open)
	seconds := rapid.SampledFrom([]int64{0, 60, 3600, -1}).Draw(t, "seconds")
	switch randomBits(t, 3) {
	case 0:
		switch user := randomUserID(t); randomBits(t, 2) {
		case 0:
			return domain.AppointModerator{Live: live, User: user}
		case 1:
			return domain.RemoveModerator{Live: live, User: user}
		case 2:
			state, _ := s.world[domain.Stream(fmt.Sprintf("live-%d", live))].(domain.Live)
			return domain.RemoveModerator{Live: live, User: append(slices.Clip(state.Moderators), user)[0]}
		}
		return domain.KickUser{User: randomUserID(t), Reason: randomText(t)}
	case 1:
		word := rapid.SampledFrom([]string{"spam", "ab"}).Draw(t, "word")
		switch randomBits(t, 2) {
		case 0:
			return domain.AddWords{Live: live, Words: []string{word}, Act: domain.WordMask}
		case 1:
			return domain.RemoveWords{Live: live, Words: []string{word, "spam"}}
		}
		return domain.KickConnection{Connection: domain.ConnectionID(randomText(t)), Reason: randomText(t)}
	case 2:
		return domain.BanUser{User: randomUserID(t), Seconds: seconds, Lives: []domain.LiveID{1, live, live}}
	case 3, 4:
		return domain.UnbanUser{User: randomID(t, "banned", s.last.user, func(u domain.UserID) bool { return s.banned[u] && !s.forgotten[u] })}
	case 5:
		if randomBits(t, 1) > 0 {
			return domain.MuteViewer{Live: live, User: randomUserID(t), Seconds: seconds}
		}
		return domain.BanViewer{Live: live, User: randomUserID(t), Seconds: seconds}
	case 6:
		if randomBits(t, 1) > 0 {
			return domain.SetMode{Live: live, Mode: rapid.SampledFrom(domain.ModeNames[:]).Draw(t, "mode"), Value: int64(randomBits(t, 1)), Seconds: seconds}
		}
		return domain.KickPlayer{Live: live, Player: domain.PlayerID(randomText(t)), Reason: randomText(t)}
	}
	if randomBits(t, 1) > 0 {
		return domain.UnmuteViewer{Live: live, User: randomID(t, "muted in live", s.last.user, func(u domain.UserID) bool {
			state, _ := s.world[domain.Stream(fmt.Sprintf("live-%d", live))].(domain.Live)
			return slices.ContainsFunc(state.Mutes, func(b domain.Ban) bool { return b.User == u })
		})}
	}
	return domain.UnbanViewer{Live: live, User: randomID(t, "banned from live", s.last.user, func(u domain.UserID) bool {
		return s.bannedFromLive[[2]int64{int64(live), int64(u)}]
	})}
}

// randomID draws an id from 1 to last, usually one for which fits returns true.
func randomID[ID ~int64](t *rapid.T, what string, last ID, fits func(ID) bool) ID {
	var fitting []ID
	for id := ID(1); id <= last; id++ {
		if fits(id) {
			fitting = append(fitting, id)
		}
	}
	if len(fitting) == 0 || randomBits(t, 3) == 0 {
		return ID(randomBits(t, 3))
	}
	return rapid.SampledFrom(fitting).Draw(t, what)
}

// randomBits draws one of 2^bits numbers with equal probability. The generators of rapid prefer small numbers.
func randomBits(t *rapid.T, bits int) int {
	n := 0
	for _, one := range rapid.SliceOfN(rapid.Bool(), bits, bits).Draw(t, "bits") {
		n *= 2
		if one {
			n++
		}
	}
	return n
}

func randomUserID(t *rapid.T) domain.UserID {
	return rapid.SampledFrom([]domain.UserID{2, 1, 3, 2, 1, 4, 5, 0}).Draw(t, "user")
}

func randomRole(t *rapid.T) domain.Role {
	return rapid.SampledFrom([]domain.Role{domain.RoleOperator, domain.RoleAuditor, domain.RoleAnalyst, ""}).Draw(t, "role")
}

func randomBroadcast(t *rapid.T) domain.BroadcastID {
	return rapid.SampledFrom([]domain.BroadcastID{"broadcast-1", "broadcast-2", "broadcast-3", ""}).Draw(t, "broadcast")
}

// randomRecordingCommand draws a command about recordings.
func randomRecordingCommand(t *rapid.T, live domain.LiveID) domain.Command {
	id := domain.RecordingID(randomBroadcast(t))
	return rapid.SampledFrom([]domain.Command{
		domain.SetRecording{Live: live, On: randomBits(t, 1) > 0},
		domain.SetPublishKey{Live: live, Hash: strings.Repeat(strconv.Itoa(randomBits(t, 1)), 64)},
		domain.RevokePublishKey{Live: live},
		domain.SetRestream{Live: live, Target: strconv.Itoa(randomBits(t, 3)), URL: "rtmp://push.example/app", Secret: "s"},
		domain.RemoveRestream{Live: live, Target: strconv.Itoa(randomBits(t, 3))},
		domain.StartRecording{Live: live, Recording: id},
		domain.FinishRecording{Live: live, Recording: id, Cause: "lost", StartedAt: now, EndedAt: now},
		domain.DiscardRecording{Live: live, Recording: id, Cause: "quota"},
		domain.DeleteRecording{Live: live, Recording: id},
	}).Draw(t, "about a recording")
}

func randomText(t *rapid.T) string {
	return rapid.OneOf(rapid.StringMatching("[a-z]{1,9}"), rapid.String()).Draw(t, "text")
}

// randomAmount draws small amounts and amounts that could overflow.
func randomAmount(t *rapid.T, what string) domain.Coins {
	return domain.Coins(rapid.OneOf(
		rapid.Int64Range(1, 9),
		rapid.Int64Range(1, 9),
		rapid.Int64Range(-1, 10_000),
		rapid.SampledFrom([]int64{maxPrice, maxOrderCoins, int64(domain.MaxCoins), math.MaxInt64, math.MinInt64, math.MaxInt64/2 + 1, 1 << 32}),
		rapid.Int64(),
	).Draw(t, what))
}

// randomRefund draws a refund of a gift that was sent. The tables may be behind, so that they contain fewer earnings.
func (s *story) randomRefund(t *rapid.T) domain.Command {
	c := domain.RefundGift{Position: int64(1 + randomBits(t, 3)), Reason: "why"}
	if c.Position <= int64(len(s.sent)) {
		c.Sent = s.sent[c.Position-1]
		c.Received = max(s.received[c.Sent.Streamer]-domain.Coins(randomBits(t, 1)), 0)
	}
	return c
}

// randomTicket draws what concerns tickets: of lives that have not ended, and of those that have.
func (s *story) randomTicket(t *rapid.T) domain.Command {
	live := randomID(t, "live with tickets", s.last.live, func(l domain.LiveID) bool { return s.status[l] != domain.StatusEnded || randomBits(t, 1) > 0 })
	streamer := s.streamer[live]
	switch randomBits(t, 2) {
	case 0:
		if randomBits(t, 1) > 0 {
			return domain.SetMinAge{Live: live, MinAge: randomBits(t, 1)}
		}
		return domain.SetAccess{Live: live, Access: domain.AccessPaid, Price: domain.Coins(5 + randomBits(t, 1))}
	case 1:
		return domain.RefundTicket{Live: live, User: randomUserID(t), Reason: "why", Streamer: streamer, Position: 1, Received: max(s.received[streamer]-domain.Coins(randomBits(t, 1)), 0)}
	}
	return domain.BuyTicket{Live: live, Price: domain.Coins(5 + randomBits(t, 1)), Streamer: streamer}
}

// randomCorrection draws a correction, or a decision about one.
func (s *story) randomCorrection(t *rapid.T) domain.Command {
	id := randomID(t, "correction", s.last.correction, func(id domain.CorrectionID) bool { _, open := s.corrections[id]; return open })
	user := randomUserID(t)
	received := max(s.received[user]-domain.Coins(randomBits(t, 1)), 0)
	switch randomBits(t, 2) {
	case 0:
		account := s.corrections[id].Account
		return domain.ApproveCorrection{Correction: id, Account: account, Received: s.received[s.corrections[id].User]}
	case 1:
		return domain.RejectCorrection{Correction: id, Reason: "why"}
	case 2:
		return domain.ProposeCorrection{Account: domain.EarningsAccount(user), Coins: domain.Coins(randomBits(t, 3)) - 4, Reason: "why", Limit: 2, Period: time.Hour, Received: received}
	}
	return domain.ProposeCorrection{Account: domain.WalletAccount(user), Coins: domain.Coins(randomBits(t, 8)) - 128, Reason: "why", Limit: 64, Period: time.Hour}
}

// randomPayout draws a request or a decision of a payout, or a new rule that splits gifts.
func (s *story) randomPayout(t *rapid.T) domain.Command {
	id := rapid.SampledFrom([]domain.PayoutID{"P1", "P2", "P3", "P4"}).Draw(t, "payout")
	streamer := randomUserID(t)
	if p := s.payouts[id]; p != nil {
		streamer = p.Streamer
	}
	switch randomBits(t, 2) {
	case 0:
		return domain.CapturePayout{Payout: id, Reference: "transfer", Streamer: streamer}
	case 1:
		return domain.VoidPayout{Payout: id, Reason: "why", Streamer: streamer}
	case 2:
		return domain.SetShare{BasisPoints: rapid.SampledFrom([]int{0, 1, 3333, 5000, 9999, 10_000}).Draw(t, "share"), Reason: "why"}
	}
	return domain.RequestPayout{Payout: id, Streamer: streamer, Coins: domain.Coins(randomBits(t, 4)), Reason: "why",
		Received: max(s.received[streamer]-domain.Coins(randomBits(t, 1)), 0)}
}

// randomWebhook draws a command about one of two webhooks.
func randomWebhook(t *rapid.T) domain.Command {
	id := rapid.SampledFrom([]domain.WebhookID{"a", "b"}).Draw(t, "webhook")
	to := rapid.SampledFrom([]string{"https://hooks.example/", "http://10.0.0.1/", "no URL"}).Draw(t, "url")
	switch randomBits(t, 2) {
	case 0:
		return domain.RemoveWebhook{Webhook: id}
	case 1:
		return domain.ReplayWebhook{Webhook: id, After: int64(randomBits(t, 3)) - 1}
	case 2:
		return domain.ChangeWebhook{Webhook: id, URL: to, Renew: randomBits(t, 1) == 0, Types: []string{"gift.*"}}
	}
	return domain.AddWebhook{Webhook: id, URL: to, After: int64(randomBits(t, 3)) - 1}
}

// anyCommand draws a command of the whole catalogue with random fields, so a new command takes part in stories without
// a change here.
func (s *story) anyCommand(t *rapid.T) domain.Command {
	zero := rapid.SampledFrom(domain.Commands).Draw(t, "command").Zero
	c := reflect.New(reflect.TypeOf(zero)).Elem()
	for i := range c.NumField() {
		s.fill(t, c.Field(i))
	}
	if r, ok := c.Interface().(domain.RequestPayout); ok {
		r.Received = s.received[r.Streamer] // the server adds it
		return r
	}
	return c.Interface().(domain.Command)
}

// fill sets a field to a random value that fits its type.
func (s *story) fill(t *rapid.T, field reflect.Value) {
	switch field.Interface().(type) {
	case domain.LiveID:
		field.SetInt(int64(randomID(t, "live", s.last.live, s.open)))
	case domain.UserID:
		field.SetInt(int64(randomUserID(t)))
	case domain.GiftID:
		field.SetInt(int64(randomID(t, "gift", s.last.gift, func(g domain.GiftID) bool { return s.price[g] > 0 })))
	default:
		switch field.Kind() {
		case reflect.Pointer:
			if randomBits(t, 1) > 0 {
				field.Set(reflect.New(field.Type().Elem()))
				s.fill(t, field.Elem())
			}
		case reflect.String:
			field.SetString(randomText(t))
		case reflect.Int, reflect.Int64:
			field.SetInt(int64(randomAmount(t, "number")))
		case reflect.Bool:
			field.SetBool(randomBits(t, 1) > 0)
		}
	}
}
