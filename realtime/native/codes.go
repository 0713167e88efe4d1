package native

import (
	"roomlog/domain"
	"roomlog/realtime/hub"
	"roomlog/realtime/ws"
)

// codeDoc documents an error code or a close code.
type codeDoc struct {
	Code    any    `json:"code"`
	Meaning string `json:"meaning"`
}

// errorCodes returns every code of error frames in the order of the documentation.
func errorCodes() []codeDoc {
	return []codeDoc{
		{codeBadJSON, "The frame does not contain exactly one JSON object."},
		{codeUnknownType, "No frame has this type."},
		{domain.CodeBadRequest, "A field is missing or has the wrong type; the text names it."},
		{codeHelloFirst, "The connection is not authenticated: send hello first."},
		{domain.CodeTokenMissing, "hello has no token. The connection is closed."},
		{domain.CodeTokenInvalid, "This server did not issue the token. The connection is closed."},
		{domain.CodeTokenExpired, "The token has expired: sign in again. When the token of an open connection expires, the connection is closed."},
		{domain.CodeSessionEnded, "The user signed out, or signed in elsewhere. The connection is closed."},
		{domain.CodeUserUnavailable, "The user does not exist, or is disabled or forgotten. The connection is closed."},
		{domain.CodeKicked, "An operator kicked the client; the text is the reason, if there is one. The connection is closed."},
		{domain.CodeBanned, "The user is banned: from a live, or from everything, which closes the connection."},
		{codeOtherUser, "The second hello on a connection has a token of another user."},
		{hub.CodeTooManyConnections, "The user has too many connections. The server closes the newest connection."},
		{hub.CodeTooManyLives, "The connection is in too many lives."},
		{hub.CodeCursorInvalid, "The value of since is not a cursor."},
		{domain.CodeLiveNotFound, "The live does not exist."},
		{domain.CodeLiveNotStarted, "The live has not been on air yet."},
		{domain.CodeLiveEnded, "The live has ended."},
		{domain.CodeMuted, "The user may not comment in the live; until is the end, if there is one."},
		{domain.CodeCommentsOff, "Only the owner and moderators of the live may comment; until is the end of the mode, if there is one."},
		{domain.CodeSlowMode, "The user may not comment again before until: the live is in slow mode."},
		{domain.CodeMembersOnly, "The account of the user is too new to comment in the live before until."},
		{domain.CodeLivePassword, "The live has a password: enter it with live.enter first."},
		{domain.CodeLiveFollowers, "The live is for followers of the streamer."},
		{domain.CodeLiveInvited, "The live is for invited users: use an invitation with live.enter first."},
		{domain.CodeLivePaid, "The live needs a ticket: buy one with ticket.buy first."},
		{domain.CodeLiveAge, "The live is for users of a minimum age, and the age in the profile of the user is lower or missing."},
		{domain.CodeLivePasswordWrong, "This is not the password of the live."},
		{domain.CodeInvitationNotFound, "The live has no such invitation, or it was revoked."},
		{domain.CodeInvitationClosed, "The invitation has expired, or enough users have used it."},
		{domain.CodeTicketNotSold, "There are no tickets for the live."},
		{domain.CodeTicketNotNeeded, "The user has a ticket for the live, or may be in it without one."},
		{domain.CodeTicketPrice, "The ticket has another price now: show it to the user, and send it."},
		{domain.CodeTicketNotFound, "The user has no ticket for the live, or it was refunded."},
		{domain.CodeTicketStarted, "The live has started: only an operator may refund its tickets."},
		{domain.CodeEarningsTooFew, "The earnings of the streamer no longer cover the ticket."},
		{domain.CodeFollowersOnly, "Only followers of the streamer may comment in the live, or those who have followed long enough; until is the time from which the user may comment."},
		{domain.CodeLinksOff, "Comments in the live must not contain links."},
		{domain.CodeWordRefused, "The comment contains a word that is not allowed in the live."},
		{domain.CodeStickersOnly, "Comments in the live must consist of emoji and names of stickers; until is the end of the mode, if there is one."},
		{domain.CodeReviewFull, "Too many comments of the user, or in the live, wait for a review."},
		{domain.CodeReportNotFound, "The report does not exist, was decided, or concerns the user."},
		{domain.CodeReportClaimed, "Another moderator has claimed the report; until is the end of the claim."},
		{domain.CodeReportsFull, "Too many reports of the user, or in the live, wait for a decision."},
		{domain.CodeCommentNotFound, "The comment does not exist or was removed."},
		{domain.CodeForbidden, "The user may not do this, for example act on a moderator."},
		{domain.CodeCommentEmpty, "The comment contains nothing but spaces."},
		{domain.CodeCommentTooLong, "The comment has more than 200 characters."},
		{domain.CodeTextInvalid, "The text has a character that cannot be shown."},
		{domain.CodeGiftNotFound, "The gift is not in the gift catalogue."},
		{domain.CodeNumberOutOfRange, "num must be from 1 to 9999."},
		{domain.CodeCoinsTooFew, "The user has too few coins."},
		{domain.CodeCoinsClosed, "The coins of the user are closed: no command may move them until an operator has decided about a bad event. The request was not executed: try again later."},
		{domain.CodeCoinsOverflow, "The wallet of the user would hold too many coins."},
		{domain.CodeChatRoomNotFound, "The chat room does not exist."},
		{domain.CodeTooManyChatRooms, "The limit of chat rooms is reached."},
		{domain.CodeMessageEmpty, "The message contains nothing but spaces."},
		{domain.CodeMessageTooLong, "The message has more than 1000 characters."},
		{domain.CodeParticipantNotFound, "The participant is not in the chat."},
		{domain.CodeNicknameTaken, "Another participant has this name."},
		{domain.CodeTextEmpty, "The text contains nothing but spaces, for example a word of a list."},
		{domain.CodeTextTooLong, "The text is longer than the field permits."},
		{domain.CodeBadKey, "key must be 1–64 printable ASCII bytes."},
		{domain.CodeKeyReused, "The same key was used with other data before."},
		{domain.CodeRateLimited, "Too many commands of the user or of the address; retry_after says when to try again."},
		{domain.CodeBusy, "The request was not executed: try again after retry_after."},
		{hub.CodeOutcomeUnknown, "The request may have been executed: send it again with the same key."},
		{domain.CodeInternal, "An error of the server."},
	}
}

// closeCodes returns every close code that the server sends, in the order of the documentation.
func closeCodes() []codeDoc {
	return []codeDoc{
		{ws.CloseNormal, "Reply to the client's close frame."},
		{ws.CloseProtocol, "The client sent a frame that violates the WebSocket protocol."},
		{ws.CloseUnsupported, "The client sent a binary frame."},
		{ws.CloseEncoding, "The client sent text that is not UTF-8."},
		{ws.CloseTooLarge, "The client sent a message above the size limit."},
		{ws.CloseInternal, "An error of the server. Reconnect."},
		{ws.CloseRestart, `The server stops. Reconnect after the milliseconds that the reason names: {"retry_after":2417}.`},
		{ws.CloseSlow, "The client reads too slowly. Reconnect and resume."},
		{ws.CloseBehind, "The server cannot send the connection what it has missed, or the client never sends ack. Reconnect and resume."},
		{ws.CloseHelloTimeout, "The client did not send hello in time. Reconnect, and send hello first."},
		{ws.CloseIdle, "The client sent nothing for too long, not even a pong. Reconnect and resume."},
		{ws.CloseTooMany, "The client sends too many frames per second, or the user has too many connections. Reconnect later, and send fewer frames."},
		{ws.CloseReplaced, "The user signed out, or signed in elsewhere. Sign in before you reconnect."},
		{ws.CloseTokenInvalid, "The token or the user is not valid. Sign in before you reconnect."},
		{ws.CloseKicked, "An operator kicked the client or banned the user; the close reason is the operator's. Do not reconnect."},
	}
}
