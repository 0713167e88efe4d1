package invariant

import (
	"fmt"
	"slices"

	"roomlog/domain"
)

// checkRules checks e against the states that it changes and depends on.
func (c *checker) checkRules(e domain.Event) {
	switch e := e.(type) {
	case domain.CoinEvent:
		c.checkCoins(e)
	case domain.OrderPlaced:
		c.expect(state[domain.Order](c, e).User == 0, "order %s was placed before", e.Order)
	case domain.OrderPaid:
		o := state[domain.Order](c, e)
		c.expect(o.User == e.User && o.Price == e.Price && !o.Paid, "order %s %s; the event pays the price %d for user %d", e.Order, orderText(o), e.Price, e.User)
	case domain.GiftRecordRefunded:
		c.expect(!state[domain.GiftRecord](c, e).Refunded, "the gift at position %d was refunded before", e.Position)
	case domain.EarningsRefunded:
		c.expect(e.Coins > 0 && state[domain.GiftRecord](c, domain.GiftRecordRefunded{Position: e.Position}).Refunded, "the gift at position %d is not marked as refunded, or %d coins are refunded", e.Position, e.Coins)
	case domain.CorrectionApproved:
		c.expect(state[domain.Correction](c, e).Open, "correction %d does not wait for an approval", e.Correction)
	case domain.CorrectionRejected:
		c.expect(state[domain.Correction](c, e).Open, "correction %d does not wait for an approval", e.Correction)
	case domain.ShareSet:
		s := state[domain.Share](c, e)
		c.expect(e.Rule == s.Rule+1 && e.From == s.BasisPoints && e.To >= 0 && e.To <= domain.MaxShare, "rule %d has %d basis points before, not rule %d with %d", s.Rule, s.BasisPoints, e.Rule-1, e.From)
	case domain.PayoutRequested:
		c.expect(state[domain.Payout](c, e).Streamer == 0 && e.Coins > 0, "payout %s was requested before, or is for %d coins", e.Payout, e.Coins)
	case domain.PayoutCaptured:
		c.expectPayout(state[domain.Payout](c, e), domain.Payout{Streamer: e.Streamer, Coins: e.Coins, Status: domain.PayoutHeld})
	case domain.PayoutVoided:
		c.expectPayout(state[domain.Payout](c, e), domain.Payout{Streamer: e.Streamer, Coins: e.Coins, Status: domain.PayoutHeld})
	case domain.GiftRepriced:
		g := state[domain.Gift](c, e)
		c.expect(g.Available && g.Price == e.From, "gift %d costs %d before, not %d", e.Gift, g.Price, e.From)
	case domain.GiftWithdrawn:
		c.expect(state[domain.Gift](c, e).Available, "gift %d was withdrawn before", e.Gift)
	case domain.LiveStatusChanged:
		l := c.live(e.Live)
		c.expect(l.Streamer == e.Streamer, "live %d belongs to user %d", e.Live, l.Streamer)
		c.expect(l.Status == e.From && e.From != e.To && e.From != domain.StatusEnded, "live %d has status %d before, not %d", e.Live, l.Status, e.From)
	case domain.BroadcastStarted:
		l := c.live(e.Live)
		c.expect(l.Streamer == e.Streamer && l.Broadcast == "" && e.Broadcast != "", "live %d belongs to user %d and has broadcast %q before", e.Live, l.Streamer, l.Broadcast)
	case domain.BroadcastStopped:
		l := c.live(e.Live)
		c.expect(l.Streamer == e.Streamer && l.Broadcast == e.Broadcast && e.Broadcast != "", "live %d belongs to user %d and has broadcast %q before", e.Live, l.Streamer, l.Broadcast)
	case domain.LiveRecordingSet:
		l := c.live(e.Live)
		c.expect(l.Streamer == e.Streamer, "live %d belongs to user %d", e.Live, l.Streamer)
	case domain.PublishKeySet:
		l := c.live(e.Live)
		c.expect(l.Streamer == e.Streamer && e.Hash != "", "live %d belongs to user %d", e.Live, l.Streamer)
	case domain.PublishKeyRevoked:
		l := c.live(e.Live)
		c.expect(l.Streamer == e.Streamer && l.PublishKey != "", "live %d belongs to user %d, or has no publish key", e.Live, l.Streamer)
	case domain.RestreamSet:
		l := c.live(e.Live)
		c.expect(l.Streamer == e.Streamer && e.Target != "" && l.Status != domain.StatusEnded, "live %d belongs to user %d, or has ended", e.Live, l.Streamer)
	case domain.RestreamRemoved:
		l := c.live(e.Live)
		c.expect(l.Streamer == e.Streamer && slices.Contains(l.Restreams, e.Target), "live %d belongs to user %d, or has no such target", e.Live, l.Streamer)
	default:
		c.checkOthers(e)
	}
}

func (c *checker) checkOthers(e domain.Event) {
	switch e := e.(type) {
	case domain.RecordingStarted:
		c.expect(state[domain.Recording](c, e).Live == 0 && c.live(e.Live).Streamer == e.Streamer, "recording %s was started before, or its live belongs to another user", e.Recording)
	case domain.RecordingFinished:
		r := state[domain.Recording](c, e)
		c.expect(r.Live != 0 && !r.Finished && !r.Deleted, "recording %s is not running", e.Recording)
	case domain.RecordingDeleted:
		r := state[domain.Recording](c, e)
		c.expect(r.Live == e.Live && !r.Deleted, "recording %s was not started, or was deleted before", e.Recording)
	case domain.ViewerJoined:
		v := state[domain.Visit](c, e)
		c.expect(!v.Present && v.Visited != e.FirstVisit && c.live(e.Live).Streamer != 0, "user %d is in live %d already, or the live does not exist", e.User, e.Live)
	case domain.ViewerMoved:
		v := state[domain.Visit](c, e)
		c.expect(v.Present && v.Node != e.Node, "user %d is not in live %d, or is on node %q already", e.User, e.Live, e.Node)
	case domain.ViewerLeft:
		c.expect(state[domain.Visit](c, e).Present, "user %d is not in live %d", e.User, e.Live)
	case domain.CommentPosted:
		c.expect(c.live(e.Live).Streamer != 0, "live %d does not exist", e.Live)
	case domain.CommentHeld:
		r := state[domain.Review](c, e)
		c.expect(c.live(e.Live).Streamer != 0 && e.Held == r.Last+1 && e.Waiting == int64(len(r.Waiting))+1, "live %d does not exist, or the newest of its %d held comments is %d", e.Live, len(r.Waiting), r.Last)
	case domain.CommentReleased:
		c.checkHeld(e, e.Held, e.User, e.Waiting)
	case domain.CommentDropped:
		c.checkHeld(e, e.Held, e.User, e.Waiting)
	case domain.CommentDisplaced:
		c.checkHeld(e, e.Held, e.User, e.Waiting)
	case domain.ViewerReviewed:
		c.expect(!state[domain.Visit](c, e).Reviewed, "user %d was reviewed in live %d before", e.User, e.Live)
	case domain.ReportSent:
		c.checkReport(e)
	case domain.ReportClaimed:
		c.checkOpenReport(e, e.Report, e.User)
	case domain.ReportDecided:
		c.checkOpenReport(e, e.Report, e.User)
	case domain.ReportDisplaced:
		c.checkOpenReport(e, e.Report, e.User)
	case domain.CommentRemoved:
		c.expect(!state[domain.RemovedComment](c, e).Removed, "comment %d was removed before", e.Comment)
	case domain.ModeratorAppointed:
		c.expect(c.live(e.Live).Streamer != e.User, "user %d is the owner of live %d", e.User, e.Live)
		c.expect(!slices.Contains(c.live(e.Live).Moderators, e.User), "user %d is a moderator of live %d already", e.User, e.Live)
	case domain.ModeratorRemoved:
		c.expect(slices.Contains(c.live(e.Live).Moderators, e.User), "user %d is no moderator of live %d", e.User, e.Live)
	case domain.InvitationCreated:
		c.expect(c.live(e.Live).LastInvitation+1 == e.Invitation && e.Uses > 0, "the newest invitation to live %d is %d", e.Live, c.live(e.Live).LastInvitation)
	case domain.InvitationRevoked:
		c.expect(c.live(e.Live).HasInvitation(e.Invitation, 0), "live %d has no invitation %d", e.Live, e.Invitation)
	case domain.InvitationUsed:
		c.expect(c.live(e.Live).HasInvitation(e.Invitation, 1), "live %d has no invitation %d, or enough users have used it", e.Live, e.Invitation)
	case domain.ViewerAdmitted:
		l := c.live(e.Live)
		c.expect(e.Credential != "" && e.Credential == l.Credential || e.Invitation != 0 && l.HasInvitation(e.Invitation, 0), "live %d has another password, or no invitation %d", e.Live, e.Invitation)
	case domain.LiveAccessSet:
		c.expect((e.Access == domain.AccessPaid) == (e.Price > 0) && e.Price >= 0 && e.Price <= domain.MaxTicketPrice, "the access %s cannot have the price %d", e.Access, e.Price)
	case domain.LiveAgeSet:
		c.expect(e.MinAge >= 0 && e.MinAge <= domain.MaxMinAge, "a live cannot need an age of %d years", e.MinAge)
	case domain.TicketIssued:
		l := c.live(e.Live)
		c.expect(l.Access == domain.AccessPaid && l.Price == e.Coins && e.Share >= 0 && e.Share < e.Coins, "a ticket for live %d with the access %q costs %d coins, not %d with the share %d", e.Live, l.Access, l.Price, e.Coins, e.Share)
		c.expect(!state[domain.Visit](c, e).Ticket.Valid(), "user %d has a ticket for live %d already", e.User, e.Live)
	case domain.TicketReturned:
		is := state[domain.Visit](c, e).Ticket
		c.expect(is.Valid(), "user %d has no ticket for live %d", e.User, e.Live)
		c.expect(e.Position == 0 || e.Position > is.Refunded, "the ticket of user %d for live %d that was paid at position %d was refunded before: the newest refund is of position %d", e.User, e.Live, e.Position, is.Refunded)
	case domain.TicketEarningsRefunded:
		is := state[domain.Visit](c, domain.TicketIssued{Live: e.Live, User: e.Buyer}).Ticket
		c.checkTicket(e.Live, e.Buyer, e.Streamer, domain.Ticket{Coins: is.Coins, Share: is.Share, Returned: true, Refunded: is.Refunded})
		c.expect(e.Coins > 0 && e.Coins == is.Coins-is.Share, "the streamer has %d coins of the ticket of user %d for live %d, not %d", is.Coins-is.Share, e.Buyer, e.Live, e.Coins)
	case domain.ViewerMuted:
		c.checkExclusion(e.Live, e.User, e.From, e.Until)
	case domain.ViewerBanned:
		c.checkExclusion(e.Live, e.User, e.From, e.Until)
	case domain.CommentsCleared:
		c.expect(c.live(e.Live).Streamer != e.User, "user %d is the owner of live %d", e.User, e.Live)
	case domain.LiveModeSet:
		c.expect(slices.Contains(domain.ModeNames[:], e.Mode), "there is no mode %q", e.Mode)
		c.expect(e.Value >= 0 && e.Until >= 0 && (e.Value > 0 || e.Until == 0), "the mode %s cannot have the value %d until %d", e.Mode, e.Value, e.Until)
	case domain.WordsAdded:
		c.expect(len(e.Words) > 0, "no word was added")
	case domain.WordsRemoved:
		c.expect(len(e.Words) > 0, "no word was removed")
	default:
		c.checkPeople(e)
	}
}

// checkHeld checks that the comment held of a user waits for a review, together with waiting other comments.
func (c *checker) checkHeld(e domain.Event, held int64, user domain.UserID, waiting int64) {
	r := state[domain.Review](c, e)
	c.expect(slices.Contains(r.Waiting, domain.HeldComment{Held: held, User: user}) && waiting == int64(len(r.Waiting))-1,
		"comment %d of user %d does not wait for a review, or not with %d others", held, user, waiting)
}

// checkReport checks that a report is new, or joins an open report of the same target from another user.
func (c *checker) checkReport(e domain.ReportSent) {
	r := state[domain.Reports](c, e)
	at := slices.IndexFunc(r.Open, func(o domain.OpenReport) bool { return o.Report == e.Report })
	switch {
	case at < 0:
		c.expect(e.Report == r.Last+1 && e.User != e.Target, "the newest report of live %d is %d, or user %d is also the target of the report", e.Live, r.Last, e.User)
	default:
		o := r.Open[at]
		c.expect(o.Target == e.Target && o.Comment == e.Comment && !slices.Contains(o.Reporters, e.User), "report %d is about user %d, or has a report of user %d", e.Report, o.Target, e.User)
	}
}

// checkOpenReport checks that a report about a user is open.
func (c *checker) checkOpenReport(e domain.Event, report int64, target domain.UserID) {
	r := state[domain.Reports](c, e)
	c.expect(slices.ContainsFunc(r.Open, func(o domain.OpenReport) bool { return o.Report == report && o.Target == target }), "there is no open report %d about user %d", report, target)
}

// checkExclusion checks a ban or mute of a user in a live. from and until are Unix seconds; until 0 means for ever.
func (c *checker) checkExclusion(live domain.LiveID, user domain.UserID, from, until int64) {
	c.expect(c.live(live).Streamer != user, "user %d is the owner of live %d", user, live)
	c.expect(until == 0 || until > from, "the exclusion of user %d ends at %d, before it begins at %d", user, until, from)
}

// checkPeople checks events about users and their names.
func (c *checker) checkPeople(e domain.Event) {
	switch e := e.(type) {
	case domain.UsernameClaimed:
		n := state[domain.Username](c, e)
		c.expect(n.User == 0 && c.user(e.User).Registered, "the name belongs to user %d", n.User)
	case domain.EmailClaimed:
		m := state[domain.Email](c, e)
		c.expect(m.User == 0 && c.user(e.User).Registered, "the address belongs to user %d", m.User)
	case domain.UserSignedIn:
		c.expect(c.user(e.User).Active(), "user %d does not exist, is disabled or forgotten", e.User)
	case domain.UserFollowed:
		c.expect(state[domain.Follows](c, e).Since(e.Streamer) == 0 && e.User != e.Streamer && c.user(e.Streamer).Registered, "user %d follows user %d already, or there is no such user", e.User, e.Streamer)
	case domain.UserUnfollowed:
		c.expect(state[domain.Follows](c, e).Since(e.Streamer) != 0, "user %d does not follow user %d", e.User, e.Streamer)
	case domain.UserSignedOut:
		s := state[domain.Session](c, e)
		c.expect(s.ID == e.Session && s.ID != "", "user %d has another session", e.User)
	case domain.UserRoleGranted:
		c.expect(!state[domain.User](c, e).HasRole(e.Role), "user %d has the role %s already", e.User, e.Role)
	case domain.UserRoleRevoked:
		c.expect(state[domain.User](c, e).HasRole(e.Role), "user %d does not have the role %s", e.User, e.Role)
	case domain.UserDisabled:
		c.expect(!state[domain.User](c, e).Disabled, "user %d is disabled already", e.User)
	case domain.UserEnabled:
		c.expect(state[domain.User](c, e).Disabled, "user %d is not disabled", e.User)
	case domain.UserForgotten:
		c.expect(!state[domain.User](c, e).Forgotten, "user %d is forgotten already", e.User)
	case domain.UserAgeChanged:
		u := state[domain.User](c, e)
		c.expect(u.Age != e.Age && e.Age >= 0, "user %d has the age %d before, not another one than %d", e.User, u.Age, e.Age)
	default:
		c.checkChat(e)
	}
}

func (c *checker) checkChat(e domain.Event) {
	switch e := e.(type) {
	case domain.ChatRoomCreated:
		c.expect(state[domain.ChatRoom](c, e).NameKey == "", "chat room %s was created before", e.ChatRoom)
	case domain.ChatRoomRemoved:
		c.expect(state[domain.ChatRoom](c, e).Open, "chat room %s does not exist", e.ChatRoom)
	case domain.ChatRoomNameClaimed:
		n := state[domain.ChatRoomName](c, e)
		c.expect(n.ChatRoom == "", "the name belongs to chat room %s", n.ChatRoom)
	case domain.ChatRoomNameReleased:
		n := state[domain.ChatRoomName](c, e)
		c.expect(n.ChatRoom == e.ChatRoom, "the name belongs to chat room %s", n.ChatRoom)
	case domain.NicknameReleased:
		c.expect(state[domain.Nickname](c, e).Holders > 0, "nobody has the name")
	case domain.NicknameSet:
		p := state[domain.Participant](c, e)
		c.expect(p.Present && p.User == 0 && p.Connection == e.Connection, "participant %d is not present", e.Participant)
	case domain.ChatRoomJoined:
		p := state[domain.Participant](c, e)
		c.expect(p.Present && p.User == e.User && p.Connection == e.Connection && !slices.Contains(p.ChatRooms, e.ChatRoom), "participant %d is not present, or is in chat room %s already", e.Participant, e.ChatRoom)
	case domain.ChatRoomLeft:
		p := state[domain.Participant](c, e)
		c.expect(p.Present && p.User == e.User && p.Connection == e.Connection && slices.Contains(p.ChatRooms, e.ChatRoom), "participant %d is not in chat room %s", e.Participant, e.ChatRoom)
	case domain.ParticipantLeft:
		p := state[domain.Participant](c, e)
		c.expect(p.Present && p.User == e.User && p.Connection == e.Connection && len(p.ChatRooms) == 0, "participant %d is not present, or is in a chat room", e.Participant)
	case domain.ParticipantForgotten:
		p := state[domain.Participant](c, e)
		c.expect(!p.Present && p.User == 0 && !p.Forgotten, "participant %d is present, a user, or forgotten already", e.Participant)
	case domain.MessageExchanged:
		p := c.participant(e.Participant)
		c.expect(p.Present && p.User == e.User && p.Connection == e.Connection, "participant %d is not present", e.Participant)
	case domain.MessagePosted:
		if e.Participant != 0 {
			p := c.participant(e.Participant)
			c.expect(p.Present && p.User == e.User && p.Connection == e.Connection, "participant %d is not present", e.Participant)
		}
	}
}

// checkCoins checks that an event moves the coins that it states, from a balance that the wallet had.
func (c *checker) checkCoins(e domain.CoinEvent) {
	var sum domain.Coins
	for _, p := range e.EventPostings() {
		sum += p.Amount
	}
	c.expect(sum == 0, "the postings of %s add up to %d, not to 0", e.Type(), sum)
	switch e := e.(type) {
	case domain.CoinsCredited:
		c.checkBalance(e, domain.WalletAccount(e.User), e.Coins, e.BalanceAfter, 0)
		c.expect(posted(e, domain.ProviderAccount)+posted(e, domain.OperatorAccount) == -e.Coins, "the coins come neither from the payment provider nor from operators")
		o := state[domain.Order](c, domain.OrderPaid{Order: e.Order})
		c.expect(o.Paid && o.User == e.User && o.Coins == e.Coins, "order %s %s; the event credits user %d with %d coins", e.Order, orderText(o), e.User, e.Coins)
	case domain.GiftSent:
		c.checkBalance(e, domain.WalletAccount(e.Sender), -e.Coins, e.BalanceAfter, e.Share)
		c.expect(posted(e, domain.EarningsAccount(e.Streamer)) == e.Coins-e.Share && posted(e, domain.PlatformAccount) == e.Share, "the coins do not go to user %d, and to the platform", e.Streamer)
		s := state[domain.Share](c, domain.ShareSet{})
		c.expect(e.ShareRule == s.Rule && e.BasisPoints == s.BasisPoints, "rule %d with %d basis points splits gifts then, not rule %d with %d", s.Rule, s.BasisPoints, e.ShareRule, e.BasisPoints)
		c.expect(e.Share == domain.ShareOf(e.Coins, e.BasisPoints), "the share of %d coins with %d basis points is not %d", e.Coins, e.BasisPoints, e.Share)
		g := state[domain.Gift](c, domain.GiftAdded{Gift: e.Gift})
		c.expect(g.Available && g.Price == e.Price && g.Name == e.Name && g.Image == e.Image, "gift %d costs %d and is called %q then, not %d and %q", e.Gift, g.Price, g.Name, e.Price, e.Name)
		c.expect(e.Num > 0 && e.Price*domain.Coins(e.Num) == e.Coins, "%d gifts for %d coins cost %d", e.Num, e.Price, e.Coins)
		l := c.live(e.Live)
		c.expect(l.Streamer == e.Streamer, "live %d belongs to user %d", e.Live, l.Streamer)
	case domain.TicketBought:
		c.checkBalance(e, domain.WalletAccount(e.User), -e.Coins, e.BalanceAfter, e.Share)
		c.expect(posted(e, domain.EarningsAccount(e.Streamer)) == e.Coins-e.Share && posted(e, domain.PlatformAccount) == e.Share, "the coins do not go to user %d, and to the platform", e.Streamer)
		s := state[domain.Share](c, domain.ShareSet{})
		c.expect(e.ShareRule == s.Rule && e.BasisPoints == s.BasisPoints, "rule %d with %d basis points splits tickets then, not rule %d with %d", s.Rule, s.BasisPoints, e.ShareRule, e.BasisPoints)
		c.expect(e.Share == domain.ShareOf(e.Coins, e.BasisPoints), "the share of %d coins with %d basis points is not %d", e.Coins, e.BasisPoints, e.Share)
		c.checkTicket(e.Live, e.User, e.Streamer, domain.Ticket{Coins: e.Coins, Share: e.Share})
	case domain.TicketRefunded:
		c.checkBalance(e, domain.WalletAccount(e.User), e.Coins, e.BalanceAfter, e.Share)
		c.expect(posted(e, domain.EarningsAccount(e.Streamer)) == e.Share-e.Coins && posted(e, domain.PlatformAccount) == -e.Share, "the coins do not come from user %d, and from the platform", e.Streamer)
		c.checkTicket(e.Live, e.User, e.Streamer, domain.Ticket{Coins: e.Coins, Share: e.Share, Returned: true, Refunded: e.Position})
	case domain.CoinsCorrected:
		c.checkBalance(e, domain.WalletAccount(e.User), e.Coins, e.BalanceAfter, 0)
		c.checkCorrection(e.Correction, domain.WalletAccount(e.User), e.Coins)
	case domain.EarningsCorrected:
		c.checkCorrection(e.Correction, domain.EarningsAccount(e.Streamer), e.Coins)
	case domain.EarningsHeld:
		c.checkPayout(e, e.Payout, domain.Payout{Streamer: e.Streamer, Coins: e.Coins, Status: domain.PayoutHeld}, domain.EarningsAccount(e.Streamer), domain.HeldAccount(e.Streamer))
	case domain.EarningsPaidOut:
		c.checkPayout(e, e.Payout, domain.Payout{Streamer: e.Streamer, Coins: e.Coins, Status: domain.PayoutPaid}, domain.HeldAccount(e.Streamer), domain.PayoutAccount)
	case domain.EarningsReleased:
		c.checkPayout(e, e.Payout, domain.Payout{Streamer: e.Streamer, Coins: e.Coins, Status: domain.PayoutVoid}, domain.HeldAccount(e.Streamer), domain.EarningsAccount(e.Streamer))
	case domain.GiftRefunded:
		c.checkBalance(e, domain.WalletAccount(e.Sender), e.Coins, e.BalanceAfter, e.Share)
		c.expect(posted(e, domain.EarningsAccount(e.Streamer)) == e.Share-e.Coins && posted(e, domain.PlatformAccount) == -e.Share, "the coins do not come from user %d, and from the platform", e.Streamer)
		c.expect(state[domain.GiftRecord](c, domain.GiftRecordRefunded{Position: e.Position}).Refunded, "the gift at position %d is not marked as refunded", e.Position)
		took := state[domain.Earnings](c, domain.EarningsRefunded{Streamer: e.Streamer}).Refund
		c.expect(took == domain.EarningsRefund{Position: e.Position, Coins: e.Coins - e.Share}, "the newest refund took %d coins for position %d from the earnings of user %d, not %d for position %d", took.Coins, took.Position, e.Streamer, e.Coins-e.Share, e.Position)
		c.expect(c.live(e.Live).Streamer == e.Streamer, "live %d belongs to another user than %d", e.Live, e.Streamer)
	}
}

// checkTicket checks the ticket of a user for a live of a streamer, before its coins move.
func (c *checker) checkTicket(live domain.LiveID, user, streamer domain.UserID, want domain.Ticket) {
	is := state[domain.Visit](c, domain.TicketIssued{Live: live, User: user}).Ticket
	if !want.Returned {
		want.Refunded = is.Refunded
	}
	c.expect(is == want, "the ticket of user %d for live %d has %+v, not %+v", user, live, is, want)
	c.expect(c.live(live).Streamer == streamer, "live %d belongs to another user than %d", live, streamer)
}

// checkCorrection checks that a correction was decided before its coins move.
func (c *checker) checkCorrection(id domain.CorrectionID, account domain.Account, coins domain.Coins) {
	of := state[domain.Correction](c, domain.CorrectionProposed{Correction: id})
	c.expect(of.Account == account && of.Coins == coins && !of.Open, "correction %d is about %d coins of %q, or waits for an approval", id, of.Coins, of.Account)
}

// checkPayout checks that an event moves the coins of a payout from one account to another after the payout was decided.
func (c *checker) checkPayout(e domain.CoinEvent, id domain.PayoutID, want domain.Payout, from, to domain.Account) {
	c.expectPayout(state[domain.Payout](c, domain.PayoutRequested{Payout: id}), want)
	c.expect(posted(e, from) == -want.Coins && posted(e, to) == want.Coins && len(e.EventPostings()) == 2, "the postings do not move %d coins from %s to %s", want.Coins, from, to)
	if from != domain.EarningsAccount(want.Streamer) {
		c.expect(state[domain.Earnings](c, e).Held >= want.Coins, "fewer than %d coins of user %d are held", want.Coins, want.Streamer)
	}
}

// expectPayout checks the state of a payout. The reference of its payment is not compared.
func (c *checker) expectPayout(is, want domain.Payout) {
	c.expect(is.Streamer == want.Streamer && is.Coins == want.Coins && is.Status == want.Status, "the payout is %s: %d coins of user %d", is.Status, is.Coins, is.Streamer)
}

// checkBalance checks the balance after an event that adds amount coins to a wallet. share is the share of the platform, which has
// a posting of its own unless it is 0.
func (c *checker) checkBalance(e domain.CoinEvent, account domain.Account, amount, after, share domain.Coins) {
	postings := 2
	if share != 0 {
		postings = 3
	}
	before := state[domain.Wallet](c, e).Balance
	c.expect(posted(e, account) == amount && len(e.EventPostings()) == postings, "the postings do not move %d coins of %s", amount, account)
	c.expect(before+amount >= 0, "the balance of %s would be %d", account, before+amount)
	c.expect(before+amount == after, "the event states a balance of %d for %s, its history adds up to %d", after, account, before+amount)
}

// posted returns the coins that an event adds to an account.
func posted(e domain.CoinEvent, account domain.Account) (sum domain.Coins) {
	for _, p := range e.EventPostings() {
		if p.Account == account {
			sum += p.Amount
		}
	}
	return sum
}

// orderText describes the state of an order.
func orderText(o domain.Order) string {
	if o.User == 0 {
		return "was not placed before"
	}
	state := "not paid"
	if o.Paid {
		state = "paid"
	}
	return fmt.Sprintf("is of user %d, for %d coins at the price %d, and %s", o.User, o.Coins, o.Price, state)
}
