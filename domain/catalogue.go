package domain

import (
	"maps"
	"slices"
	"strings"
)

// Commands lists every command with its access rule.
var Commands = []CommandSpec{
	command[RegisterUser](anyone),
	command[RegisterByEmail](anyone),
	command[SignIn](anyone),
	command[SignOut](authenticated),
	command[ChangeProfile](authenticated),
	command[IncrementAge](authenticated),
	command[DisableUser](operator),
	command[EnableUser](operator),
	command[GrantRole](operator),
	command[RevokeRole](operator),
	command[ForgetUser](operator),
	command[KickUser](operator),
	command[KickConnection](operator),
	command[BanUser](operator),
	command[UnbanUser](operator),
	command[FollowUser](authenticated),
	command[UnfollowUser](authenticated),
	command[CreateLive](authenticated),
	command[ChangeLiveStatus](ownerOrOperator),
	command[SetAccess](ownerOrOperator),
	command[SetMinAge](ownerOrOperator),
	command[EnterPassword](authenticated),
	command[CreateInvitation](ownerOrOperator),
	command[RevokeInvitation](ownerOrOperator),
	command[UseInvitation](authenticated),
	command[BanViewer](moderatorOrOperator),
	command[UnbanViewer](moderatorOrOperator),
	command[MuteViewer](moderatorOrOperator),
	command[UnmuteViewer](moderatorOrOperator),
	command[SetMode](moderatorOrOperator),
	command[AppointModerator](ownerOrOperator),
	command[RemoveModerator](ownerOrOperator),
	command[StartBroadcast](system),
	command[StopBroadcast](system),
	command[KickBroadcast](operator),
	command[KickPlayer](operator),
	command[SetRecording](authenticated),
	command[SetPublishKey](authenticated),
	command[RevokePublishKey](ownerOrOperator),
	command[SetRestream](ownerOrOperator),
	command[RemoveRestream](ownerOrOperator),
	command[StartRecording](system),
	command[FinishRecording](system),
	command[DeleteRecording](ownerOrOperator),
	command[DiscardRecording](system),
	command[AddUpload](authenticated),
	command[ExpireUpload](system),
	command[JoinLive](authenticated),
	command[LeaveLive](system),
	command[PostComment](authenticated),
	command[AddWords](moderatorOrOperator),
	command[RemoveWords](moderatorOrOperator),
	command[RemoveComment](moderatorOrOperator),
	command[ClearComments](moderatorOrOperator),
	command[ReleaseComment](moderatorOrOperator),
	command[DropComment](moderatorOrOperator),
	command[WarnViewer](moderatorOrOperator),
	command[SendReport](authenticated),
	command[ClaimReport](moderatorOrOperator),
	command[DecideReport](moderatorOrOperator),
	command[AddGift](operator),
	command[RepriceGift](operator),
	command[WithdrawGift](operator),
	command[CreateChatRoom](anyone),
	command[RemoveChatRoom](operator),
	command[ExpireChatRoom](system),
	command[EnterChat](anyone),
	command[SetNickname](anyone),
	command[JoinChatRoom](anyone),
	command[LeaveChatRoom](anyone),
	command[LeaveChat](system),
	command[ForgetParticipant](operator),
	command[PostMessage](anyone),
	command[ExchangeMessage](anyone),
	coins(command[SendGift](authenticated)),
	coins(command[RefundGift](ownerOrOperator)),
	coins(command[BuyTicket](authenticated)),
	coins(command[RefundTicket](ownerOrOperator)),
	coins(command[ProposeCorrection](operator)),
	coins(command[ApproveCorrection](operator)),
	coins(command[RejectCorrection](operator)),
	coins(command[RequestPayout](operator)),
	coins(command[CapturePayout](operator)),
	coins(command[VoidPayout](operator)),
	command[SetShare](operator),
	coins(command[PlaceOrder](authenticated)),
	coins(command[PayOrder](paymentProvider)),
	coins(command[CreditCoins](operator)),
	command[CloseCoins](system),
	command[OpenCoins](system),
	command[SetEventAside](operator),
	command[AddWebhook](operator),
	command[ChangeWebhook](operator),
	command[RemoveWebhook](operator),
	command[ReplayWebhook](operator),
}

// Events lists every event with the state of its stream.
var Events = []EventSpec{
	takesID(personal[UserRegistered](event[UserRegistered, User]()), nextUser),
	personal[UserProfileChanged](event[UserProfileChanged, User]()),
	event[UserAgeChanged, User](),
	personal[UserDisabled](event[UserDisabled, User]()),
	personal[UserEnabled](event[UserEnabled, User]()),
	personal[UserRoleGranted](event[UserRoleGranted, User]()),
	personal[UserRoleRevoked](event[UserRoleRevoked, User]()),
	event[UserForgotten, User](),
	personal[UserKicked](event[UserKicked, User]()),
	event[ConnectionKicked, Stateless](),
	personal[UserBanned](event[UserBanned, User]()),
	personal[UserUnbanned](event[UserUnbanned, User]()),
	event[UsernameClaimed, Username](),
	personal[UserEmailAdded](event[UserEmailAdded, User]()),
	event[EmailClaimed, Email](),
	event[UserSignedIn, Session](),
	event[UserSignedOut, Session](),
	event[UserFollowed, Follows](),
	event[UserUnfollowed, Follows](),
	takesID(personal[LiveCreated](event[LiveCreated, Live]()), nextLive),
	event[LiveStatusChanged, Live](),
	extends(event[LiveAccessSet, Live](), "live.access_set.v1"), // without price
	event[LiveAgeSet, Live](),
	event[InvitationCreated, Live](),
	event[InvitationRevoked, Live](),
	event[InvitationUsed, Live](),
	event[ViewerAdmitted, Visit](),
	event[TicketIssued, Visit](),
	extends(event[TicketReturned, Visit](), "ticket.returned.v1"), // without position
	personal[ViewerBanned](event[ViewerBanned, Live]()),
	event[ViewerUnbanned, Live](),
	personal[ViewerMuted](event[ViewerMuted, Live]()),
	event[ViewerUnmuted, Live](),
	event[LiveModeSet, Live](),
	personal[ModeratorAppointed](event[ModeratorAppointed, Live]()),
	event[ModeratorRemoved, Live](),
	event[BroadcastStarted, Live](),
	event[BroadcastStopped, Live](),
	event[PlayerKicked, Stateless](),
	event[LiveRecordingSet, Live](),
	event[PublishKeySet, Live](),
	event[PublishKeyRevoked, Live](),
	personal[RestreamSet](event[RestreamSet, Live]()),
	event[RestreamRemoved, Live](),
	event[RecordingStarted, Recording](),
	event[RecordingFinished, Recording](),
	event[RecordingDeleted, Recording](),
	event[UploadAdded, Uploads](),
	event[UploadDeleted, Uploads](),
	event[ViewerJoined, Visit](),
	event[ViewerMoved, Visit](),
	event[ViewerLeft, Visit](),
	personal[CommentPosted](event[CommentPosted, Stateless]()),
	event[ViewerCommented, Visit](),
	event[WordsAdded, Words](),
	event[WordsRemoved, Words](),
	event[CommentRemoved, RemovedComment](),
	event[CommentsCleared, Stateless](),
	event[HoldWordsAdded, Words](),
	personal[CommentHeld](event[CommentHeld, Review]()),
	event[CommentReleased, Review](),
	event[CommentDropped, Review](),
	event[CommentDisplaced, Review](),
	event[ViewerReviewed, Visit](),
	personal[ViewerWarned](event[ViewerWarned, Stateless]()),
	event[ViewerNotified, Stateless](),
	personal[ReportSent](event[ReportSent, Reports]()),
	event[ReportClaimed, Reports](),
	event[ReportDecided, Reports](),
	event[ReportDisplaced, Reports](),
	counts(event[ChatRoomCreated, ChatRoom](), chatRoomCount),
	event[ChatRoomNameClaimed, ChatRoomName](),
	counts(event[ChatRoomRemoved, ChatRoom](), chatRoomCount),
	event[ChatRoomNameReleased, ChatRoomName](),
	takesID(personal[ParticipantEntered](event[ParticipantEntered, Participant]()), nextParticipant),
	personal[NicknameSet](event[NicknameSet, Participant]()),
	event[NicknameClaimed, Nickname](),
	event[NicknameReleased, Nickname](),
	event[ChatRoomJoined, Participant](),
	event[ChatRoomLeft, Participant](),
	event[ParticipantLeft, Participant](),
	event[ParticipantForgotten, Participant](),
	personal[MessagePosted](event[MessagePosted, Stateless]()),
	personal[MessageExchanged](event[MessageExchanged, Stateless]()),
	personal[OrderPlaced](event[OrderPlaced, Order]()),
	event[OrderPaid, Order](),
	event[CoinsCredited, Wallet](),
	extends(event[GiftSent, Wallet](), "gift.sent.v1"), // without share_rule, basis_points and share
	event[GiftRecordRefunded, GiftRecord](),
	event[EarningsRefunded, Earnings](),
	extends(event[GiftRefunded, Wallet](), "gift.refunded.v1"), // without share
	event[TicketBought, Wallet](),
	event[TicketEarningsRefunded, Earnings](),
	extends(event[TicketRefunded, Wallet](), "ticket.refunded.v1"), // without position
	takesID(event[CorrectionProposed, Correction](), nextCorrection),
	event[CorrectionApproved, Correction](),
	event[CorrectionRejected, Correction](),
	event[CoinsCorrected, Wallet](),
	event[EarningsCorrected, Earnings](),
	event[ShareSet, Share](),
	event[PayoutRequested, Payout](),
	event[EarningsHeld, Earnings](),
	event[PayoutCaptured, Payout](),
	event[EarningsPaidOut, Earnings](),
	event[PayoutVoided, Payout](),
	event[EarningsReleased, Earnings](),
	takesID(event[GiftAdded, Gift](), nextGift),
	event[GiftRepriced, Gift](),
	event[GiftWithdrawn, Gift](),
	event[CoinsClosed, CoinHolds](),
	event[CoinsOpened, CoinHolds](),
	event[EventSetAside, SetAside](),
	counts(event[WebhookAdded, Webhook](), webhookCount),
	event[WebhookChanged, Webhook](),
	counts(event[WebhookRemoved, Webhook](), webhookCount),
	event[WebhookReplayed, Webhook](),
}

// Privacies lists every text field of the events by its JSON name, with the privacy of the field. An entry for one
// event type and a field overrides the entry for the field name. A replay of the log leaves out private fields, unless
// the reader has RolePersonal.
var Privacies = map[string]Privacy{
	// Names of gifts and chat rooms, which name no person.
	"name": Public, "image": Public,
	// Ids, and words from fixed lists of the server. The fields key and name_key contain keyed hashes.
	"connection": Public, "to_connection": Public, "name_key": Public, "key": Public, "node": Public, "video": Public, "audio": Public, "file": Public,
	"mode": Public, "decision": Public, "notice": Public, "claimer": Public, "comment.held.v1 cause": Public, "report.sent.v1 cause": Public, "upload": Public, "upload.deleted.v1 cause": Public,

	"event.set_aside.v1 stream": Public, "event.set_aside.v1 type": Public,
	"coins.closed.v1 cause": Private, // an error message that may quote the payload

	// What people have written or are called: every personal text is private.
	"username": Private, "nickname": Private, "avatar": Private, "title": Private, "cover": Private, "text": Private,
	"email": Private, "age": Private,
	"reason":  Private, // the operator's words about a user
	"words":   Private, // what is not allowed in comments
	"session": Private, "credential": Private, "stream_key": Private, "access": Public, "invitation_hash": Private, "publish_key": Private,
	"restream.set.v1 target": Private, "restream.removed.v1 target": Private, "target_url": Private, "sealed_key": Private,

	"namespace": Public,
	"webhook":   Public, "types": Public, "url": Private, // a URL may show how the receiver is protected
	"account": Public, "proposer": Public, "payout": Public,
	"reference": Private, // the operator's words about a payment
}

// PrivacyOf returns the privacy of a field, given by its JSON name, of an event type. It returns 0 if Privacies does
// not list the field.
func PrivacyOf(eventType, field string) Privacy {
	if own := Privacies[eventType+" "+field]; own != 0 {
		return own
	}
	return Privacies[field]
}

// IsPrivate reports whether only readers with RolePersonal may see a field, given by its JSON name, of an event type.
func IsPrivate(eventType, field string) bool { return PrivacyOf(eventType, field) == Private }

// States lists every kind of stream. The name of a kind is the prefix of its streams, such as "wallet". The number is
// the version of the state's encoding: increase it when the meaning of a field changes, so that older snapshots are
// ignored.
var States = []StateSpec{
	state[User]("user", 2),
	state[Username]("username", 1),
	state[Email]("email", 1),
	state[Session]("session", 1),
	state[Follows]("follows", 1),
	state[Live]("live", 4),
	state[Recording]("recording", 1),
	state[Uploads]("upload", 1),
	state[Visit]("visit", 3),
	state[Stateless]("comment", 1),
	state[RemovedComment]("removedcomment", 1),
	state[Words]("words", 1),
	state[Review]("review", 1),
	state[Reports]("reports", 1),
	state[Stateless]("notice", 1),
	state[Stateless]("connection", 1),
	state[Stateless]("player", 1),
	state[ChatRoom]("chatroom", 1),
	state[ChatRoomName]("chatroomname", 1),
	state[Participant]("participant", 1),
	state[Nickname]("nickname", 1),
	state[Stateless]("message", 1),
	state[Order]("order", 1),
	state[Wallet]("wallet", 1),
	state[Earnings]("earnings", 2),
	state[GiftRecord]("giftrecord", 1),
	state[Correction]("correction", 1),
	state[Payout]("payout", 1),
	state[Share]("share", 1),
	state[Gift]("gift", 1),
	state[CoinHolds]("coins", 1),
	state[SetAside]("setaside", 1),
	state[Webhook]("webhook", 1),
}

var (
	commandsByType = index(Commands, func(s CommandSpec) string { return s.Type })
	eventsByType   = index(Events, func(s EventSpec) string { return s.Type })
	statesByPrefix = index(States, func(s StateSpec) string { return s.Prefix })
)

// StoredTypes returns the event types, as stored in the log, that want selects. want is a type of any version, or a
// prefix such as "gift.*". All versions of a selected type are returned, because events are read in the newest version.
// The result is nil if there is no such type.
func StoredTypes(want string) (types []string) {
	prefix, isPrefix := strings.CutSuffix(want, "*")
	isPrefix = isPrefix && strings.HasSuffix(prefix, ".")
	for _, spec := range eventsByType {
		_, earlier := spec.Upcasters[want]
		if spec.Type == want || earlier || isPrefix && strings.HasPrefix(spec.Type, prefix) {
			types = append(types, spec.Type)
			types = slices.AppendSeq(types, maps.Keys(spec.Upcasters))
		}
	}
	return types
}

// index returns specs by key. It panics if two specs have the same key.
func index[T any](specs []T, key func(T) string) map[string]T {
	m := make(map[string]T, len(specs))
	for _, s := range specs {
		if _, twice := m[key(s)]; twice {
			panic("domain: listed twice in the catalogue: " + key(s))
		}
		m[key(s)] = s
	}
	return m
}
