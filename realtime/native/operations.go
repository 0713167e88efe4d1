package native

import "roomlog/domain"

// operations returns every type of request that clients may send, in the order of the documentation. Each entry needs
// an access rule, a rate and a summary. TestOperations checks this, and the documentation is generated from the
// entries. The command of an operation is made by its handler, the last argument.
func operations() []operation {
	return []operation{
		newOperation("hello", accessAnyone, rateFrames, "Authenticates the connection. Send it first, and again with a new token before the old one expires.", helloReply{}, (*session).onHello),
		newOperation("room.join", accessSession, rateJoins, "Joins a live and subscribes to it. Send it again to resume.", joinReply{}, (*session).onJoin),
		newOperation("room.leave", accessSession, rateFrames, "Leaves a live.", leaveReply{}, (*session).onLeave),
		newOperation("room.viewers", accessSession, rateFrames, "Returns who is in a live now, newest first, 100 viewers per page. The connection must have joined the live.", viewersReply{}, (*session).onViewers),
		newOperation("comment.post", accessSession, rateComments, "Posts a comment in a live.", commentReply{}, (*session).onComment),
		newOperation("gift.send", accessSession, rateGifts, "Sends gifts in a live, paid with the user's coins.", giftReply{}, (*session).onGift),
		newOperation("live.enter", accessSession, rateSignIns, "Lets the user into a live by its password or by an invitation.", actReply{}, (*session).onEnterLive),
		newOperation("ticket.buy", accessSession, rateFrames, "Buys a ticket for a live with the access paid, with the user's coins.", giftReply{}, (*session).onBuyTicket),
		newOperation("ticket.refund", accessSession, rateFrames, "Refunds a ticket for a live: its coins go back to its user. For the owner before the start, operators, and the user of the ticket if the live has ended without a start.", refundReply{}, (*session).onRefundTicket),
		newOperation("moderator.appoint", accessSession, rateFrames, "Lets a user moderate a live. For the owner and operators.", actReply{}, act(func(d userData) domain.Command { return domain.AppointModerator(d) })),
		newOperation("moderator.remove", accessSession, rateFrames, "Takes the rights of a moderator away. For the owner and operators.", actReply{}, act(func(d userData) domain.Command { return domain.RemoveModerator(d) })),
		newOperation("viewer.mute", accessSession, rateFrames, "Forbids a user to comment in a live, for a time or for good. For the owner, moderators and operators.", actReply{}, act(func(d banData) domain.Command { return domain.MuteViewer(d) })),
		newOperation("viewer.unmute", accessSession, rateFrames, "Lets a muted user comment again. For the owner, moderators and operators.", actReply{}, act(func(d userData) domain.Command { return domain.UnmuteViewer(d) })),
		newOperation("viewer.ban", accessSession, rateFrames, "Excludes a user from a live, for a time or for good. For the owner, moderators and operators.", actReply{}, act(func(d banData) domain.Command { return domain.BanViewer(d) })),
		newOperation("viewer.unban", accessSession, rateFrames, "Lifts the ban of a user from a live. For the owner, moderators and operators.", actReply{}, act(func(d userData) domain.Command { return domain.UnbanViewer(d) })),
		newOperation("live.mode", accessSession, rateFrames, "Switches a mode of a live, which restricts comments, on or off. For the owner, moderators and operators.", actReply{}, act(func(d modeData) domain.Command { return domain.SetMode(d) })),
		newOperation("words.add", accessSession, rateFrames, "Adds words to the list of a live. For the owner, moderators and operators.", actReply{}, act(func(d addWordsData) domain.Command { return domain.AddWords(d) })),
		newOperation("words.remove", accessSession, rateFrames, "Removes words from the list of a live. For the owner, moderators and operators.", actReply{}, act(func(d removeWordsData) domain.Command { return domain.RemoveWords(d) })),
		newOperation("comment.remove", accessSession, rateFrames, "Removes a comment. For its author within 60 seconds, the owner, moderators and operators.", actReply{}, (*session).onRemoveComment),
		newOperation("comment.clear", accessSession, rateFrames, "Removes all comments that a user has posted in a live so far. For the owner, moderators and operators.", actReply{}, act(func(d userData) domain.Command { return domain.ClearComments(d) })),
		newOperation("comment.held", accessSession, rateFrames, "Returns comments that wait for a review, oldest first, 100 per page. The owner, moderators and operators receive all, other users those that they have written.", heldReply{}, (*session).onHeldComments),
		newOperation("comment.release", accessSession, rateFrames, "Posts a held comment. For the owner, moderators and operators.", actReply{}, (*session).onReleaseComment),
		newOperation("comment.drop", accessSession, rateFrames, "Drops a held comment. For its author, the owner, moderators and operators.", actReply{}, (*session).onDropComment),
		newOperation("viewer.warn", accessSession, rateFrames, "Warns a user, who alone receives the warning. For the owner, moderators and operators.", actReply{}, act(func(d userData) domain.Command { return domain.WarnViewer(d) })),
		newOperation("report.send", accessSession, rateFrames, "Reports a comment or a user of a live to its moderators.", actReply{}, (*session).onSendReport),
		newOperation("report.list", accessSession, rateFrames, "Returns the open reports of a live, oldest first, 100 per page. For the owner, moderators and operators.", reportsReply{}, (*session).onReports),
		newOperation("report.claim", accessSession, rateFrames, "Claims a report for 10 minutes. For the owner, moderators and operators.", actReply{}, act(func(d claimData) domain.Command { return domain.ClaimReport(d) })),
		newOperation("report.decide", accessSession, rateFrames, "Decides about a report. Those who reported are notified. For the owner, moderators and operators.", actReply{}, (*session).onDecideReport),
		newOperation("profile.change", accessSession, rateFrames, "Changes the nickname, the avatar or the age of the user: only the given members.", profileReply{}, (*session).onProfile),
		newOperation("user.follow", accessSession, rateFrames, "Follows a streamer.", actReply{}, (*session).onFollow),
		newOperation("user.unfollow", accessSession, rateFrames, "Ends that the user follows a streamer.", actReply{}, act(func(d followData) domain.Command { return domain.UnfollowUser{Streamer: d.User} })),
		newOperation("ack", accessSession, rateFrames, "Acknowledges everything on the user channel, or in a live, up to a cursor. Gifts that were acknowledged in a live count in their delivery.", noData{}, (*session).onAck),
		newOperation("ping", accessAnyone, rateFrames, "Requests a reply, to check the connection.", pingReply{}, (*session).onPing),

		newOperation("chat.join", accessSession, rateChat, "Joins a chat room, or the public chat, and subscribes to it.", chatJoinReply{}, (*session).onChatJoin),
		newOperation("chat.leave", accessSession, rateChat, "Leaves a chat room, or ends the subscription to the public chat.", leaveReply{}, (*session).onChatLeave),
		newOperation("chat.post", accessSession, rateChat, "Posts a message in a chat room or in the public chat.", postReply{}, (*session).onChatPost),
		newOperation("chat.private", accessSession, rateChat, "Sends a message to one user or to one connection.", postReply{}, (*session).onChatPrivate),
		newOperation("chat.typing", accessSession, rateChat, "Notifies a chat room, or one connection, that the user is typing.", noData{}, (*session).onChatTyping),
		newOperation("chat.who", accessSession, rateChat, "Returns the participants of a chat room.", chatWhoReply{}, (*session).onChatWho),
		newOperation("chat.history", accessSession, rateChat, "Returns messages of a chat room or of the public chat.", chatHistoryReply{}, (*session).onChatHistory),
		newOperation("chat.nickname", accessSession, rateChat, "Changes the nickname of the user, in the chat and everywhere else.", postReply{}, (*session).onChatNickname),
	}
}

// byName returns the operations by the type of their frames.
func byName(all []operation) map[string]operation {
	found := make(map[string]operation, len(all))
	for _, op := range all {
		found[op.name] = op
	}
	return found
}
