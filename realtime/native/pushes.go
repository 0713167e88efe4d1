package native

import (
	"reflect"

	"roomlog/projections"
)

// push describes a type of frame that the server sends without a request.
type push struct {
	name    string
	summary string       // description for authors of clients
	data    reflect.Type // type of the field data
	form    any          // zero value of the envelope
}

// pushes returns every push, in the order of the documentation. The pushes of lives and of the user channel come from
// the table of deltas.
func pushes() []push {
	var live, user []push
	known := make(map[string]bool)
	for _, s := range projections.DeltaSpecs() {
		switch {
		case s.Summary == "" || known[s.Kind]:
		case s.Audience == projections.AudienceLive:
			live = append(live, push{s.Kind, s.Summary, s.Payload, livePush{}})
		case s.Audience == projections.AudienceUser:
			user = append(user, push{s.Kind, s.Summary, s.Payload, userPush{}})
		}
		known[s.Kind] = true
	}
	all := append(live,
		newPush[joinBatchInfo]("join_batch", "Viewers joined and left. The push replaces all facts of a large live after prev up to pos, which were joins and leaves.", livePush{}),
		newPush[skippedInfo]("skipped", "Replaces all facts after prev up to pos: facts that were dropped because this client reads slowly, or a comment that was removed.", livePush{}),
		newPush[bannedInfo]("banned", "The user was banned from the live; the connection is not in it any more.", statePush{}),
		newPush[removedInfo]("removed", "The user may not be in the live any more, because its access has changed, or the log has fallen back to an earlier state. The connection is no longer in the live; code says what the user can do.", statePush{}),
		newPush[snapshot]("snapshot", "The current state of the live, sent after the log has fallen back to an earlier state. The push replaces everything that the client knows about the live.", statePush{}),
		newPush[gaugesInfo]("gauges", "The newest numbers of viewers and coins of a live.", statePush{}),
	)
	all = append(all, user...)
	all = append(all,
		newPush[liveStartedInfo]("live.started", "A streamer whom the user follows has started a live. The push is sent once, to connected clients: read the list of lives after a reconnect.", statePush{}),
		newPush[followerInfo]("follower", "Another user has begun to follow the user. The push is sent once, to connected clients.", connectionPush{}),
	)
	return append(all,
		newPush[chatMessageInfo]("chat.message", "A participant posted a message in a chat room or in the public chat.", chatPush{}),
		newPush[chatMessageInfo](pushPrivate, "A participant sent a message to you alone. The push has a cursor and belongs to the user channel if the message was sent to all connections of the user.", chatPush{}),
		newPush[chatJoinedInfo]("chat.joined", "A participant joined a chat room or the public chat.", chatPush{}),
		newPush[chatLeftInfo]("chat.left", "A participant left a chat room.", chatPush{}),
		newPush[participantPush]("chat.named", "A participant in one of your chat rooms has a new nickname.", chatPush{}),
		newPush[participantPush]("chat.typing", "A participant is typing. Show it for a few seconds.", chatPush{}),
		newPush[noData]("chat.removed", "A chat room was removed.", chatPush{}),
		newPush[chatJoinReply]("chat.snapshot", "The current state of a chat room or the public chat, sent after the log has fallen back to an earlier state. The push replaces everything that the client knows about the room or the chat.", chatPush{}),
		newPush[resetInfo]("reset", "The log has fallen back to an earlier state. Positions, cursors and the balance that the client has are void. A snapshot of each joined live and chat room follows.", connectionPush{}),
		newPush[errorInfo]("error", "An error that no request caused, or the error of a request without a usable id.", replyFrame{}),
	)
}

func newPush[T any](name, summary string, form any) push {
	return push{name, summary, reflect.TypeFor[T](), form}
}
