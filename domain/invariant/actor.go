package invariant

import (
	"slices"

	"roomlog/domain"
)

// checkActor checks that the actor may have caused e.
func (c *checker) checkActor(e domain.Event, actor string) {
	by, ok := domain.ParseActor(actor)
	if !ok {
		c.expect(false, "there is no actor %q", actor)
		return
	}
	c.expect(c.mayCause(by, e), "%s could not cause %s", actor, e.Type())
}

// mayCause reports whether an actor may have caused e. An event without a case here can be caused only by its user.
func (c *checker) mayCause(by domain.Actor, e domain.Event) bool {
	switch e := e.(type) {
	case domain.ParticipantEntered, domain.ChatRoomJoined, domain.MessagePosted, domain.MessageExchanged:
		return isAuthor(by, e.(domain.UserEvent).EventUser())
	case domain.LiveStatusChanged, domain.RecordingDeleted:
		return is(by, e.(domain.UserEvent).EventUser()) || by.Kind == domain.System || c.isOperator(by)
	case domain.PublishKeyRevoked, domain.RestreamSet, domain.RestreamRemoved:
		return is(by, e.(domain.UserEvent).EventUser()) || c.isOperator(by)
	case domain.GiftRefunded:
		return is(by, e.Streamer) || c.isOperator(by)
	case domain.EarningsRefunded:
		return is(by, e.Streamer) || c.isOperator(by)
	case domain.GiftRecordRefunded: // gift.refunded, which follows, contains the streamer
		return by.Kind == domain.Authenticated || c.isOperator(by)
	case domain.CorrectionProposed:
		return c.isOperator(by) && by.String() == e.Proposer && by.User != e.User
	case domain.CorrectionApproved:
		return c.isOperator(by) && by.User != e.User && by.String() != state[domain.Correction](c, e).Proposer
	case domain.PayoutRequested, domain.PayoutCaptured, domain.PayoutVoided, domain.EarningsHeld, domain.EarningsPaidOut, domain.EarningsReleased:
		return c.isOperator(by) && by.User != e.(domain.UserEvent).EventUser()
	case domain.OrderPlaced:
		return is(by, e.User) || c.isOperator(by)
	case domain.ViewerBanned, domain.ViewerUnbanned, domain.ViewerMuted, domain.ViewerUnmuted, domain.CommentsCleared, domain.LiveModeSet:
		return c.isModerator(by, e.(domain.LiveEvent).EventLive()) || c.isOperator(by)
	case domain.WordsAdded:
		return e.Live != 0 && c.isModerator(by, e.Live) || c.isOperator(by)
	case domain.WordsRemoved:
		return e.Live != 0 && c.isModerator(by, e.Live) || c.isOperator(by)
	case domain.HoldWordsAdded:
		return e.Live != 0 && c.isModerator(by, e.Live) || c.isOperator(by)
	case domain.CommentPosted: // by a moderator if the comment was held
		released := state[domain.Review](c, domain.CommentReleased{Live: e.Live}).Released == e.User
		return is(by, e.User) || released && (c.isModerator(by, e.Live) || c.isOperator(by))
	case domain.CommentDropped:
		return is(by, e.User) || c.isModerator(by, e.Live) || c.isOperator(by)
	case domain.CommentDisplaced, domain.ReportDisplaced: // by the author of another comment, or the user who reports something else
		return by.Kind == domain.Authenticated
	case domain.CommentReleased, domain.ViewerReviewed, domain.ViewerWarned, domain.ViewerNotified, domain.ReportClaimed, domain.ReportDecided:
		return c.isModerator(by, e.(domain.LiveEvent).EventLive()) || c.isOperator(by)
	case domain.CommentRemoved:
		return is(by, e.User) || c.isModerator(by, e.Live) || c.isOperator(by)
	case domain.TicketReturned:
		return is(by, e.User) || is(by, c.live(e.Live).Streamer) || c.isOperator(by)
	case domain.TicketEarningsRefunded:
		return is(by, e.Buyer) || is(by, e.Streamer) || c.isOperator(by)
	case domain.TicketRefunded:
		return is(by, e.User) || is(by, e.Streamer) || c.isOperator(by)
	case domain.LiveAccessSet, domain.LiveAgeSet, domain.InvitationCreated, domain.InvitationRevoked:
		return is(by, c.live(e.(domain.LiveEvent).EventLive()).Streamer) || c.isOperator(by)
	case domain.ModeratorAppointed:
		return is(by, c.live(e.Live).Streamer) || c.isOperator(by)
	case domain.ModeratorRemoved:
		return is(by, c.live(e.Live).Streamer) || c.isOperator(by)
	case domain.CoinsCredited:
		return by.Kind == domain.PaymentProvider && !e.FromOperator() || c.isOperator(by)
	case domain.OrderPaid:
		return by.Kind == domain.PaymentProvider || c.isOperator(by)
	case domain.ViewerLeft, domain.ParticipantLeft, domain.BroadcastStarted, domain.RecordingStarted, domain.RecordingFinished,
		domain.CoinsClosed, domain.CoinsOpened:
		return by.Kind == domain.System
	case domain.UploadDeleted: // an operator who is forgotten on their own request has lost the role
		return by.Kind == domain.System || is(by, e.User) || c.isOperator(by)
	case domain.BroadcastStopped, domain.ChatRoomRemoved, domain.ChatRoomNameReleased:
		return by.Kind == domain.System || c.isOperator(by)
	case domain.UserDisabled, domain.UserEnabled, domain.UserRoleGranted, domain.UserRoleRevoked, domain.UserForgotten, domain.UserKicked,
		domain.ConnectionKicked, domain.UserBanned, domain.UserUnbanned, domain.PlayerKicked, domain.ParticipantForgotten,
		domain.GiftAdded, domain.GiftRepriced, domain.GiftWithdrawn, domain.EventSetAside,
		domain.CorrectionRejected, domain.CoinsCorrected, domain.EarningsCorrected, domain.ShareSet,
		domain.WebhookAdded, domain.WebhookChanged, domain.WebhookRemoved, domain.WebhookReplayed:
		return c.isOperator(by)
	case domain.UserRegistered, domain.UsernameClaimed, domain.UserEmailAdded, domain.EmailClaimed, domain.UserSignedIn,
		domain.ChatRoomCreated, domain.ChatRoomNameClaimed, domain.ChatRoomLeft, domain.NicknameSet, domain.NicknameClaimed, domain.NicknameReleased:
		return true
	}
	of, ok := e.(domain.UserEvent)
	return ok && is(by, of.EventUser())
}

// is reports whether the actor is this user.
func is(by domain.Actor, user domain.UserID) bool {
	return by.Kind == domain.Authenticated && by.User == user
}

// isModerator reports whether the actor is the owner or a moderator of a live.
func (c *checker) isModerator(by domain.Actor, live domain.LiveID) bool {
	l := c.live(live)
	return is(by, l.Streamer) || by.Kind == domain.Authenticated && slices.Contains(l.Moderators, by.User)
}

// isAuthor reports whether the actor is this user; user 0 stands for every actor who is not a signed-in user.
func isAuthor(by domain.Actor, user domain.UserID) bool {
	return by.User == user
}

// isOperator reports whether the actor is an operator, either at the command line or by a role.
func (c *checker) isOperator(by domain.Actor) bool {
	return by.Kind == domain.Operator || by.Kind == domain.Authenticated && c.user(by.User).HasRole(domain.RoleOperator)
}
