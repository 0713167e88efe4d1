package native

// operations returns every type of request that clients may send, in the order of the documentation. Each entry needs
// an access rule, a rate and a summary. TestOperations checks this, and the documentation is generated from the
// entries.
func operations() []operation {
	return []operation{
		newOperation("hello", accessAnyone, rateFrames, "Authenticates the connection. Send it first, and again with a new token before the old one expires.", helloReply{}, (*session).onHello),
		newOperation("room.join", accessSession, rateJoins, "Joins a live and subscribes to it. Send it again to resume.", joinReply{}, (*session).onJoin),
		newOperation("room.leave", accessSession, rateFrames, "Leaves a live.", leaveReply{}, (*session).onLeave),
		newOperation("room.viewers", accessSession, rateFrames, "Returns who is in a live now, newest first, 100 viewers per page.", viewersReply{}, (*session).onViewers),
		newOperation("comment.post", accessSession, rateComments, "Posts a comment in a live.", postReply{}, (*session).onComment),
		newOperation("gift.send", accessSession, rateGifts, "Sends gifts in a live, paid with the user's coins.", giftReply{}, (*session).onGift),
		newOperation("profile.change", accessSession, rateFrames, "Changes the nickname, the avatar or the age of the user: only the given members.", profileReply{}, (*session).onProfile),
		newOperation("ack", accessSession, rateFrames, "Acknowledges everything on the user channel up to a cursor.", noData{}, (*session).onAck),
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
