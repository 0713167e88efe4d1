package projections

import (
	"time"

	"roomlog/domain"
)

// The kinds of deltas. A kind is also the type of the frame that pushes the delta to native clients.
const (
	KindComment = "comment"
	KindGift    = "gift"
	KindRefund  = "refund"
	KindJoin    = "join"
	KindLeave   = "leave"
	KindStatus  = "status"
	KindMedia   = "media"

	KindViewerProfile = "viewer_profile"

	KindCommentRemoved  = "comment.removed"
	KindCommentsCleared = "comments.cleared"
	KindMuted           = "muted"
	KindModerator       = "moderator"
	KindMode            = "mode"
	KindReview          = "review"

	KindMoved      = "moved"
	KindModeration = "moderation"
	KindAccess     = "access"
	KindRestream   = "restream"

	KindBalance = "balance"
	KindProfile = "profile"
	KindAge     = "age"
	KindNotice  = "notice"
	KindFollow  = "follow"

	KindWarned   = "warned"
	KindDecision = "decision"

	KindMessage            = "message"
	KindExchanged          = "exchanged"
	KindParticipantEntered = "participant_entered"
	KindNicknameSet        = "nickname_set"
	KindChatRoomJoined     = "chat_room_joined"
	KindChatRoomLeft       = "chat_room_left"
	KindParticipantLeft    = "participant_left"
	KindChatRoomCreated    = "chat_room_created"
	KindChatRoomRemoved    = "chat_room_removed"
)

// DeltaSpecs returns the table of deltas. For each type of event, it defines the recipients, the kind of the delta, and
// the payload. The event of an entry is the type parameter, or the parameter of the payload function. To push a new event to clients, add an entry and its payload. An event that no client receives has an
// entry, too.
func DeltaSpecs() []DeltaSpec {
	return []DeltaSpec{
		toLive(KindComment, "A viewer posted a comment.", commentPayload, droppable, durable),
		toLive(KindGift, "A viewer sent a gift.", giftPayload, changesGauges, durable),
		toUser(KindBalance, "The balance of the user has changed.", spentPayload, durable),
		toUser(KindBalance, "The balance of the user has changed.", correctedPayload),
		toLive(KindRefund, "A gift was refunded to its sender.", refundPayload, changesGauges),
		toUser(KindBalance, "The balance of the user has changed.", refundedPayload),
		toUser(KindBalance, "The balance of the user has changed.", ticketPayload),
		toUser(KindBalance, "The balance of the user has changed.", ticketRefundPayload),
		toLive(KindJoin, "A viewer joined the live.", joinPayload, droppable, changesGauges),
		toLive(KindLeave, "A viewer left the live.", leavePayload, droppable, changesGauges),
		toLive(KindStatus, "The live went on air, was paused or has ended.", statusPayload),
		toLive(KindMedia, "A broadcast of the live has started or stopped.", startPayload),
		toLive(KindMedia, "A broadcast of the live has started or stopped.", stopPayload),
		toLive(KindCommentRemoved, "A comment was removed: remove it from the screen.", commentRemovedPayload),
		toLive(KindCommentsCleared, "All comments that a user has posted in the live so far were removed: remove them from the screen.", commentsClearedPayload),
		toLive(KindMuted, "A user may not comment in the live any more, or may comment again.", mutedPayload),
		toLive(KindMuted, "A user may not comment in the live any more, or may comment again.", unmutedPayload),
		toLive(KindModerator, "A user may moderate the live from now on, or no longer.", appointedPayload),
		toLive(KindModerator, "A user may moderate the live from now on, or no longer.", dismissedPayload),
		toLive(KindMode, "A mode of the live, which restricts comments, was switched on or off.", modePayload),
		toLive(KindReview, aboutReview, heldPayload, droppable),
		toLive(KindReview, aboutReview, releasedPayload, droppable),
		toLive(KindReview, aboutReview, droppedPayload, droppable),
		toLivesOfUser(KindViewerProfile, "A viewer of the live has a new name or avatar.", profilePayload, droppable),
		toUser(KindBalance, "The balance of the user has changed.", creditPayload),

		toUser(KindProfile, "The profile of the user has changed.", profilePayload, needsProfile),
		toUser(KindFollow, "The user follows a streamer from now on, or no longer.", followedPayload),
		toUser(KindFollow, "The user follows a streamer from now on, or no longer.", unfollowedPayload),
		toUser(KindAge, "The age of the user has changed.", agePayload),
		toUser(KindNotice, aboutNotice, notice[domain.UserSignedIn]("signed_in")),
		toUser(KindNotice, aboutNotice, notice[domain.UserSignedOut]("signed_out")),
		toUser(KindNotice, aboutNotice, notice[domain.UserDisabled]("disabled")),
		toUser(KindNotice, aboutNotice, notice[domain.UserEnabled]("enabled")),
		toUser(KindNotice, aboutNotice, kickPayload, notProjected),
		toUser(KindNotice, aboutNotice, banPayload),
		toUser(KindNotice, aboutNotice, notice[domain.UserUnbanned]("unbanned")),
		toUser(KindNotice, aboutNotice, grantPayload),
		toUser(KindNotice, aboutNotice, revokePayload),
		toUser(KindNotice, aboutNotice, notice[domain.UserForgotten]("forgotten")),
		toUser(KindWarned, "A moderator has warned the user. Nobody else receives the warning.", warnedPayload),
		toUser(KindDecision, "A moderator has dropped a held comment of the user, or has decided about a report that the user sent.", decisionPayload, notProjected),

		toServers[domain.ViewerMoved](KindMoved),
		toServers[domain.ViewerBanned](KindModeration),
		toServers[domain.ConnectionKicked](KindModeration, notProjected),
		toServers[domain.PlayerKicked](KindModeration, notProjected),
		toServers[domain.LiveAccessSet](KindAccess),
		toServers[domain.LiveAgeSet](KindAccess),
		toServers[domain.TicketReturned](KindAccess),
		toServers[domain.InvitationRevoked](KindAccess),
		toServers[domain.PublishKeySet](KindModeration),
		toServers[domain.PublishKeyRevoked](KindModeration),
		toServers[domain.RestreamSet](KindRestream),
		toServers[domain.RestreamRemoved](KindRestream),

		toChat(KindChatRoomCreated, func(d *Delta, e domain.ChatRoomCreated) { d.in(e.ChatRoom) }),
		toChat(KindChatRoomRemoved, func(d *Delta, e domain.ChatRoomRemoved) { d.in(e.ChatRoom) }),
		toChat(KindParticipantEntered, func(d *Delta, e domain.ParticipantEntered) { d.by(e.Participant) }),
		toChat(KindNicknameSet, func(d *Delta, e domain.NicknameSet) { d.by(e.Participant) }),
		toChat(KindChatRoomJoined, func(d *Delta, e domain.ChatRoomJoined) { d.by(e.Participant).in(e.ChatRoom) }),
		toChat(KindChatRoomLeft, func(d *Delta, e domain.ChatRoomLeft) { d.by(e.Participant).in(e.ChatRoom) }),
		toChat(KindParticipantLeft, func(d *Delta, e domain.ParticipantLeft) { d.by(e.Participant) }),
		toChat(KindMessage, func(d *Delta, e domain.MessagePosted) {
			d.by(e.Participant).in(e.ChatRooms...)
			d.Recipient = e.ToUser
		}),
		toChat(KindExchanged, func(d *Delta, e domain.MessageExchanged) { d.by(e.Participant) }, notProjected),

		toNobody[domain.UserRegistered](),
		toNobody[domain.WebhookAdded](),
		toNobody[domain.WebhookChanged](),
		toNobody[domain.WebhookRemoved](),
		toNobody[domain.WebhookReplayed](),
		toNobody[domain.UsernameClaimed](notProjected), // user.registered contains the same data
		toNobody[domain.UserEmailAdded](),
		toNobody[domain.EmailClaimed](),
		toNobody[domain.ViewerUnbanned](),
		toNobody[domain.ViewerCommented](notProjected), // comment.posted contains the same data
		toNobody[domain.WordsAdded](notProjected),      // only decisions and the list of words need it
		toNobody[domain.WordsRemoved](notProjected),    // the same
		toNobody[domain.HoldWordsAdded](notProjected),  // the same
		toNobody[domain.ViewerReviewed](notProjected),  // only decisions need it
		toNobody[domain.InvitationCreated](),
		toNobody[domain.InvitationUsed](),
		toNobody[domain.ViewerAdmitted](),
		toNobody[domain.TicketIssued](),
		toNobody[domain.TicketEarningsRefunded](notProjected), // ticket.refunded contains the same data
		toNobody[domain.ReportSent](),
		toNobody[domain.ReportClaimed](),
		toNobody[domain.ReportDecided](),
		toNobody[domain.ReportDisplaced](),
		toNobody[domain.CommentDisplaced](), // comment.held follows
		toNobody[domain.LiveCreated](),
		toNobody[domain.LiveRecordingSet](),
		toNobody[domain.RecordingStarted](),
		toNobody[domain.RecordingFinished](),
		toNobody[domain.RecordingDeleted](),
		toNobody[domain.UploadAdded](),
		toNobody[domain.UploadDeleted](),
		toNobody[domain.GiftAdded](),
		toNobody[domain.GiftRepriced](),
		toNobody[domain.GiftWithdrawn](),
		toNobody[domain.GiftRecordRefunded](notProjected), // gift.refunded contains the same data
		toNobody[domain.EarningsRefunded](notProjected),   // gift.refunded contains the same data
		toNobody[domain.CorrectionProposed](),
		toNobody[domain.CorrectionApproved](),
		toNobody[domain.CorrectionRejected](),
		toNobody[domain.EarningsCorrected](),
		toNobody[domain.ShareSet](),
		toNobody[domain.PayoutRequested](),
		toNobody[domain.PayoutCaptured](),
		toNobody[domain.PayoutVoided](),
		toNobody[domain.EarningsHeld](),
		toNobody[domain.EarningsPaidOut](),
		toNobody[domain.EarningsReleased](),
		toNobody[domain.OrderPlaced](notProjected), // no table contains unpaid orders
		toNobody[domain.OrderPaid](notProjected),   // coins.credited follows and is projected
		toNobody[domain.CoinsClosed](),
		toNobody[domain.CoinsOpened](),
		toNobody[domain.EventSetAside](notProjected), // the applier handles the event for all tables
		toNobody[domain.ParticipantForgotten](),
		toNobody[domain.ChatRoomNameClaimed](notProjected),  // chat_room.created contains the same data
		toNobody[domain.ChatRoomNameReleased](notProjected), // chat_room.removed contains the same data
		toNobody[domain.NicknameClaimed](notProjected),      // participant.entered and participant.nickname_set contain the same data
		toNobody[domain.NicknameReleased](notProjected),     // participant.nickname_set and participant.left contain the same data
	}
}

// aboutReview is the Summary of every DeltaSpec of the kind review.
const aboutReview = "The number of comments that wait for a review in the live has changed. The push contains neither a text nor an author."

// aboutNotice is the Summary of every DeltaSpec of the kind notice.
const aboutNotice = "The account of the user, or a sign-in session of the account, has changed."

// The payloads of deltas. Their JSON encoding is the field data of a frame of the native dialect.
type (
	// UserPayload is the public data of a user.
	UserPayload struct {
		ID     domain.UserID `json:"id"`
		Name   string        `json:"name"`
		Avatar string        `json:"avatar"`
	}
	// CommentPayload describes a comment in a live.
	CommentPayload struct {
		Pos  int64       `json:"pos,omitempty" jsonschema_description:"position in the log; only in a snapshot, because the envelope of a push has it"`
		ID   string      `json:"id"`
		User UserPayload `json:"user"`
		Text string      `json:"text"`
		At   time.Time   `json:"at"`
	}
	// GiftPayload describes a gift that was sent in a live.
	GiftPayload struct {
		Pos   int64          `json:"pos,omitempty" jsonschema_description:"position in the log; only in a snapshot, because the envelope of a push has it"`
		ID    string         `json:"id"`
		User  UserPayload    `json:"user"`
		Gift  CatalogueEntry `json:"gift" jsonschema_description:"the gift at the moment of sending"`
		Num   int            `json:"num"`
		Coins domain.Coins   `json:"coins" jsonschema_description:"price × num"`
		At    time.Time      `json:"at"`
	}
	// RefundPayload describes a gift of a live that was refunded to its sender.
	RefundPayload struct {
		Gift  int64        `json:"gift_pos" jsonschema_description:"position of the gift"`
		User  UserPayload  `json:"user" jsonschema_description:"the user who sent the gift"`
		Coins domain.Coins `json:"coins" jsonschema_description:"price × num of the gift"`
	}
	// CatalogueEntry describes a gift of the gift catalogue.
	CatalogueEntry struct {
		ID    domain.GiftID `json:"id"`
		Name  string        `json:"name"`
		Image string        `json:"image"`
		Price domain.Coins  `json:"price"`
	}
	// JoinPayload describes a viewer who has joined a live.
	JoinPayload struct {
		User  UserPayload `json:"user"`
		First bool        `json:"first" jsonschema_description:"the user has never been in this live before"`
	}
	// LeavePayload describes a viewer who has left a live.
	LeavePayload struct {
		User  UserPayload       `json:"user"`
		Cause domain.LeaveCause `json:"cause"`
	}
	// CommentRemovedPayload describes a comment that was removed.
	CommentRemovedPayload struct {
		Pos int64 `json:"pos" jsonschema_description:"position of the comment"`
	}
	// CommentsClearedPayload describes the author whose comments were removed.
	CommentsClearedPayload struct {
		User domain.UserID `json:"user" jsonschema_description:"the author of the comments"`
	}
	// MutedPayload describes a user who was muted or unmuted in a live.
	MutedPayload struct {
		User  UserPayload `json:"user"`
		Muted bool        `json:"muted"`
		Until *time.Time  `json:"until,omitempty" jsonschema_description:"end of a mute; absent: the mute has no end"`
	}
	// ModeratorPayload describes a user who became, or was, a moderator of a live.
	ModeratorPayload struct {
		User      UserPayload `json:"user"`
		Moderator bool        `json:"moderator"`
	}
	// ModePayload describes a mode of a live.
	ModePayload struct {
		Mode  domain.ModeName `json:"mode" jsonschema:"enum=mute_all,enum=slow,enum=members,enum=links_off,enum=followers,enum=stickers,enum=review" jsonschema_description:"mute_all: only the owner and moderators may comment; slow: one comment of a user in so many seconds; members: only users who registered so many minutes ago may comment; links_off: no links in comments; followers: only followers of the streamer may comment; stickers: only emoji and names of stickers; review: comments of a user are held until one was released"`
		Value int64           `json:"value" jsonschema_description:"0: off; seconds of slow, minutes of members; followers: 1, or the minutes for which a user must have followed; otherwise 1"`
		Until *time.Time      `json:"until,omitempty" jsonschema_description:"when the mode ends, by the time of the log; it is off afterwards without another push; absent: it has no end"`
	}
	// ReviewPayload describes how many comments of a live wait for a review.
	ReviewPayload struct {
		Waiting int64 `json:"waiting" jsonschema_description:"comments that wait; moderators read them with comment.held"`
	}
	// WarnedPayload describes a warning of a moderator.
	WarnedPayload struct {
		Live   domain.LiveID `json:"live"`
		Reason string        `json:"reason"`
	}
	// DecisionPayload describes a decision of a moderator that concerns only the user.
	DecisionPayload struct {
		Live     domain.LiveID           `json:"live"`
		Notice   domain.ModerationNotice `json:"notice" jsonschema:"enum=comment_dropped,enum=report_decided"`
		Number   int64                   `json:"number" jsonschema_description:"number of the held comment, or of the report"`
		Decision domain.ReportDecision   `json:"decision,omitempty" jsonschema:"enum=upheld,enum=rejected" jsonschema_description:"decision about the report; only with report_decided"`
		Reason   string                  `json:"reason,omitempty"`
	}
	// StatusPayload describes a change of the status of a live.
	StatusPayload struct {
		Status domain.Status `json:"status" jsonschema:"enum=0,enum=1,enum=2,enum=3" jsonschema_description:"0 not started, 1 on air, 2 paused, 3 ended"`
		From   domain.Status `json:"from" jsonschema:"enum=0,enum=1,enum=2,enum=3"`
	}
	// MediaPayload describes the beginning or the end of a broadcast.
	MediaPayload struct {
		Media *BroadcastMedia  `json:"media" jsonschema:"nullable" jsonschema_description:"null: the broadcast has ended"`
		Cause domain.StopCause `json:"cause,omitempty" jsonschema_description:"why the broadcast has ended"`
	}
	// BroadcastMedia describes the codecs and the frame size of a broadcast, and when it started.
	BroadcastMedia struct {
		domain.MediaInfo
		Since time.Time `json:"since"`
	}
	// BalancePayload describes a change of a user's balance.
	BalancePayload struct {
		Balance domain.Coins   `json:"balance"`
		Change  domain.Coins   `json:"change" jsonschema_description:"negative for a gift that the user sent, or a ticket that the user bought"`
		Live    domain.LiveID  `json:"live,omitempty"`
		Gift    domain.GiftID  `json:"gift,omitempty"`
		Num     int            `json:"num,omitempty"`
		Ticket  bool           `json:"ticket,omitempty" jsonschema_description:"a ticket for the live was bought or refunded"`
		Order   domain.OrderID `json:"order,omitempty" jsonschema_description:"the top-up order that was credited"`
	}
	// AgePayload contains the new age of a user.
	AgePayload struct {
		Age int `json:"age" jsonschema_description:"age in years"`
	}
	// FollowPayload describes a streamer whom the user follows, or followed.
	FollowPayload struct {
		Streamer  domain.UserID `json:"streamer"`
		Following bool          `json:"following"`
	}
	// NoticePayload describes a change of an account or of its sign-in sessions.
	NoticePayload struct {
		Kind   string      `json:"kind" jsonschema:"enum=signed_in,enum=signed_out,enum=disabled,enum=enabled,enum=kicked,enum=banned,enum=unbanned,enum=forgotten,enum=role_granted,enum=role_revoked"`
		Role   domain.Role `json:"role,omitempty"`
		Reason string      `json:"reason,omitempty" jsonschema_description:"reason of kicked and banned, if the operator gave one"`
		Until  *time.Time  `json:"until,omitempty" jsonschema_description:"end of a ban; absent: the ban has no end"`
	}
)

// UserPayloadOf returns the public data of the user with a profile.
func UserPayloadOf(p Profile) UserPayload { return UserPayload{p.ID, p.Name(), p.Avatar} }

// BroadcastMediaOf describes the media of a broadcast that started at the time since.
func BroadcastMediaOf(m domain.MediaInfo, since time.Time) *BroadcastMedia {
	return &BroadcastMedia{m, since.UTC()}
}

func commentPayload(d Delta, e domain.CommentPosted) CommentPayload {
	return CommentPayload{ID: d.ID, User: UserPayloadOf(d.Profile), Text: e.Text, At: d.RecordedAt.UTC()}
}

func giftPayload(d Delta, e domain.GiftSent) GiftPayload {
	return GiftPayload{ID: d.ID, User: UserPayloadOf(d.Profile), Gift: CatalogueEntry{e.Gift, e.Name, e.Image, e.Price},
		Num: e.Num, Coins: e.Coins, At: d.RecordedAt.UTC()}
}

func refundPayload(d Delta, e domain.GiftRefunded) RefundPayload {
	return RefundPayload{e.Position, UserPayloadOf(d.Profile), e.Coins}
}

func joinPayload(d Delta, e domain.ViewerJoined) JoinPayload {
	return JoinPayload{UserPayloadOf(d.Profile), e.FirstVisit}
}

func leavePayload(d Delta, e domain.ViewerLeft) LeavePayload {
	return LeavePayload{UserPayloadOf(d.Profile), e.Cause}
}

func commentRemovedPayload(_ Delta, e domain.CommentRemoved) CommentRemovedPayload {
	return CommentRemovedPayload{e.Comment}
}

func commentsClearedPayload(_ Delta, e domain.CommentsCleared) CommentsClearedPayload {
	return CommentsClearedPayload{e.User}
}

func mutedPayload(d Delta, e domain.ViewerMuted) MutedPayload {
	return MutedPayload{UserPayloadOf(d.Profile), true, EndOf(e.Until)}
}

func unmutedPayload(d Delta, _ domain.ViewerUnmuted) MutedPayload {
	return MutedPayload{User: UserPayloadOf(d.Profile)}
}

func appointedPayload(d Delta, _ domain.ModeratorAppointed) ModeratorPayload {
	return ModeratorPayload{UserPayloadOf(d.Profile), true}
}

func dismissedPayload(d Delta, _ domain.ModeratorRemoved) ModeratorPayload {
	return ModeratorPayload{UserPayloadOf(d.Profile), false}
}

func modePayload(_ Delta, e domain.LiveModeSet) ModePayload {
	return ModePayloadOf(domain.Mode{Mode: e.Mode, Value: e.Value, Until: e.Until})
}

// ModePayloadOf describes a mode of a live.
func ModePayloadOf(m domain.Mode) ModePayload { return ModePayload{m.Mode, m.Value, EndOf(m.Until)} }

// EndOf returns the end of a ban, a mute or a mode in Unix seconds as a time, or nil for 0: it has no end.
func EndOf(until int64) *time.Time {
	if until == 0 {
		return nil
	}
	return new(time.Unix(until, 0).UTC())
}

func heldPayload(_ Delta, e domain.CommentHeld) ReviewPayload { return ReviewPayload{e.Waiting} }

func releasedPayload(_ Delta, e domain.CommentReleased) ReviewPayload {
	return ReviewPayload{e.Waiting}
}

func droppedPayload(_ Delta, e domain.CommentDropped) ReviewPayload { return ReviewPayload{e.Waiting} }

func warnedPayload(_ Delta, e domain.ViewerWarned) WarnedPayload {
	return WarnedPayload{e.Live, e.Reason}
}

func decisionPayload(_ Delta, e domain.ViewerNotified) DecisionPayload {
	return DecisionPayload{e.Live, e.Notice, e.Number, e.Decision, e.Reason}
}

func statusPayload(_ Delta, e domain.LiveStatusChanged) StatusPayload {
	return StatusPayload{e.To, e.From}
}

func startPayload(d Delta, e domain.BroadcastStarted) MediaPayload {
	return MediaPayload{Media: BroadcastMediaOf(e.Media, d.RecordedAt)}
}

func stopPayload(_ Delta, e domain.BroadcastStopped) MediaPayload {
	return MediaPayload{Cause: e.Cause}
}

func spentPayload(_ Delta, e domain.GiftSent) BalancePayload {
	return BalancePayload{Balance: e.BalanceAfter, Change: -e.Coins, Live: e.Live, Gift: e.Gift, Num: e.Num}
}

func refundedPayload(_ Delta, e domain.GiftRefunded) BalancePayload {
	return BalancePayload{Balance: e.BalanceAfter, Change: e.Coins, Live: e.Live, Gift: e.Gift, Num: e.Num}
}

func ticketPayload(_ Delta, e domain.TicketBought) BalancePayload {
	return BalancePayload{Balance: e.BalanceAfter, Change: -e.Coins, Live: e.Live, Ticket: true}
}

func ticketRefundPayload(_ Delta, e domain.TicketRefunded) BalancePayload {
	return BalancePayload{Balance: e.BalanceAfter, Change: e.Coins, Live: e.Live, Ticket: true}
}

func correctedPayload(_ Delta, e domain.CoinsCorrected) BalancePayload {
	return BalancePayload{Balance: e.BalanceAfter, Change: e.Coins}
}

func creditPayload(_ Delta, e domain.CoinsCredited) BalancePayload {
	return BalancePayload{Balance: e.BalanceAfter, Change: e.Coins, Order: e.Order}
}

func profilePayload(d Delta, _ domain.UserProfileChanged) UserPayload {
	return UserPayloadOf(d.Profile)
}

func agePayload(_ Delta, e domain.UserAgeChanged) AgePayload { return AgePayload{e.Age} }

func followedPayload(_ Delta, e domain.UserFollowed) FollowPayload {
	return FollowPayload{e.Streamer, true}
}

func unfollowedPayload(_ Delta, e domain.UserUnfollowed) FollowPayload {
	return FollowPayload{Streamer: e.Streamer}
}

func kickPayload(_ Delta, e domain.UserKicked) NoticePayload {
	return NoticePayload{Kind: "kicked", Reason: e.Reason}
}

func banPayload(_ Delta, e domain.UserBanned) NoticePayload {
	return NoticePayload{Kind: "banned", Reason: e.Reason, Until: EndOf(e.Until)}
}

func grantPayload(_ Delta, e domain.UserRoleGranted) NoticePayload {
	return NoticePayload{Kind: "role_granted", Role: e.Role}
}

func revokePayload(_ Delta, e domain.UserRoleRevoked) NoticePayload {
	return NoticePayload{Kind: "role_revoked", Role: e.Role}
}

// notice returns a payload function for a notice that contains only its kind.
func notice[E domain.Event](kind string) func(Delta, E) NoticePayload {
	return func(Delta, E) NoticePayload { return NoticePayload{Kind: kind} }
}
