package domain

// A Code is stable and meant for programs.
type Code string

// The codes.
const (
	CodeBadRequest          Code = "bad_request"           // a field that no client should send, or one missing
	CodeBadKey              Code = "bad_key"               // an idempotency key that is none
	CodeKeyReused           Code = "key_reused"            // the same idempotency key with another body
	CodeTokenMissing        Code = "token_missing"         // sign in first
	CodeTokenExpired        Code = "token_expired"         // sign in again
	CodeTokenInvalid        Code = "token_invalid"         // not a token of this server
	CodeSessionEnded        Code = "session_ended"         // signed out, or signed in elsewhere since
	CodeUserUnavailable     Code = "user_unavailable"      // no such person, or disabled, or forgotten
	CodeForbidden           Code = "forbidden"             // not with the rights of this person
	CodeKicked              Code = "kicked"                // put out by an operator
	CodeBanned              Code = "banned"                // kept out, for a time or for good
	CodeNameTaken           Code = "name_taken"            // somebody has, or had, this name, or the server has it
	CodeTextInvalid         Code = "text_invalid"          // not UTF-8, or a character that cannot be shown
	CodeTextEmpty           Code = "text_empty"            // nothing is left without the space around it
	CodeTextTooLong         Code = "text_too_long"         // longer than the field may be
	CodeLiveNotFound        Code = "live_not_found"        // no such room, or another's
	CodeLiveNotStarted      Code = "live_not_started"      // the room was not on air yet
	CodeLiveEnded           Code = "live_ended"            // the room has ended for good
	CodeNoBroadcast         Code = "no_broadcast"          // nothing is streamed in this room now
	CodeRecordingNotFound   Code = "recording_not_found"   // no such recording, or another's, or deleted
	CodeRecordingRunning    Code = "recording_running"     // it is still being written
	CodeCommentEmpty        Code = "comment_empty"         // nothing is left without the space around it
	CodeCommentTooLong      Code = "comment_too_long"      // more than 200 characters
	CodeMessageEmpty        Code = "message_empty"         // nothing is left without the space around it
	CodeMessageTooLong      Code = "message_too_long"      // more than 1000 characters
	CodeChatRoomNotFound    Code = "chat_room_not_found"   // no such chat room, or removed
	CodeChatRoomTaken       Code = "chat_room_taken"       // a chat room has this name
	CodeTooManyChatRooms    Code = "too_many_chat_rooms"   // there are as many chat rooms as there may be
	CodeParticipantNotFound Code = "participant_not_found" // not in the chat, or not any more
	CodeNicknameTaken       Code = "nickname_taken"        // another guest has this name, or somebody's username is so, or the server has it
	CodeEmailInvalid        Code = "email_invalid"         // not an e-mail address
	CodeGiftNotFound        Code = "gift_not_found"        // not on the shelf
	CodeNumberOutOfRange    Code = "number_out_of_range"   // a number or price out of bounds
	CodeCoinsTooFew         Code = "coins_too_few"         // the wallet is too light
	CodeCoinsOverflow       Code = "coins_overflow"        // the wallet would hold more than it can
	CodeOrderNotFound       Code = "order_not_found"       // no such order
	CodeOrderMismatch       Code = "order_mismatch"        // the order is for another person or amount, or exists
	CodeRateLimited         Code = "rate_limited"          // a door's rate limit
	CodeBusy                Code = "busy"                  // the server cannot take more at the moment
	CodeInternal            Code = "internal"              // a fault of ours
)

// Chinese is the text of a code in fields of the contract with old clients, which match and show
// it literally. A code without a text of its own answers that the parameters are wrong.
func (c Code) Chinese() string {
	if s, ok := chinese[c]; ok {
		return s
	}
	return "参数错误"
}

var chinese = map[Code]string{
	CodeKeyReused:           "请求重复且内容不一致",
	CodeTokenMissing:        "您没有权限访问该接口!",
	CodeTokenExpired:        "token 已过期! 请重新获取令牌",
	CodeTokenInvalid:        "Token 令牌不合法!",
	CodeSessionEnded:        "token 已过期! 请重新获取令牌",
	CodeUserUnavailable:     "用户不存在或已被禁用",
	CodeForbidden:           "您没有权限访问该接口!",
	CodeKicked:              "您已被管理员移出",
	CodeBanned:              "您没有权限访问该接口!",
	CodeNameTaken:           "用户名已存在",
	CodeLiveNotFound:        "直播间不存在",
	CodeLiveNotStarted:      "直播间未开播",
	CodeLiveEnded:           "直播间已结束",
	CodeNoBroadcast:         "直播间没有推流",
	CodeRecordingNotFound:   "录像不存在",
	CodeRecordingRunning:    "录像尚未结束",
	CodeCommentEmpty:        "评论不能为空",
	CodeCommentTooLong:      "评论最多200个字",
	CodeMessageEmpty:        "消息不能为空",
	CodeMessageTooLong:      "消息最多1000个字",
	CodeChatRoomNotFound:    "房间不存在",
	CodeChatRoomTaken:       "房间已经存在!",
	CodeTooManyChatRooms:    "房间数量已达上限",
	CodeParticipantNotFound: "对方不在线",
	CodeNicknameTaken:       "昵称已被使用",
	CodeEmailInvalid:        "邮箱格式不正确",
	CodeGiftNotFound:        "该礼物不存在",
	CodeCoinsTooFew:         "金币不足，请先充值",
	CodeCoinsOverflow:       "金币超出上限",
	CodeOrderNotFound:       "订单不存在",
	CodeOrderMismatch:       "订单信息不一致",
	CodeRateLimited:         "操作太频繁，请稍后再试",
	CodeBusy:                "系统繁忙，请稍后再试",
	CodeInternal:            "系统繁忙，请稍后再试",
}
