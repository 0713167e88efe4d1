package domain

import (
	"errors"
	"fmt"
	"time"
)

// Refusal is the error of a request that the rules do not allow. It is a normal result that clients receive.
type Refusal struct {
	Code  Code
	Text  string    // English text for people
	Until time.Time // when the same request is no longer refused for this reason; zero: unknown, or never
}

// Error returns the code and the text.
func (r *Refusal) Error() string { return string(r.Code) + ": " + r.Text }

// AsRefusal returns the refusal in err, or nil if there is none.
func AsRefusal(err error) *Refusal {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return refusal
	}
	return nil
}

func refuse(code Code, format string, args ...any) error {
	return &Refusal{Code: code, Text: fmt.Sprintf(format, args...)}
}

// refuseUntil returns a *Refusal that ends at a time in Unix seconds; 0: never.
func refuseUntil(until int64, code Code, format string, args ...any) error {
	refusal := &Refusal{Code: code, Text: fmt.Sprintf(format, args...)}
	if until != 0 {
		refusal.Until = time.Unix(until, 0).UTC()
		refusal.Text += " until " + refusal.Until.Format(time.RFC3339)
	}
	return refusal
}

// Code identifies a kind of refusal. A code never changes its meaning, so programs may compare codes.
type Code string

// The codes of refusals.
const (
	CodeBadRequest          Code = "bad_request"           // a field is missing or has a value that clients must not send
	CodeBadKey              Code = "bad_key"               // the idempotency key is malformed
	CodeKeyReused           Code = "key_reused"            // the idempotency key was used with another request
	CodeTokenMissing        Code = "token_missing"         // the command needs a signed-in user
	CodeTokenExpired        Code = "token_expired"         // the token has expired
	CodeTokenInvalid        Code = "token_invalid"         // the token was not issued by this server
	CodeSessionEnded        Code = "session_ended"         // the user has signed out, or has signed in again
	CodeUserUnavailable     Code = "user_unavailable"      // the user does not exist, is disabled or is forgotten
	CodeForbidden           Code = "forbidden"             // the user does not have the right that the command needs
	CodeKicked              Code = "kicked"                // an operator has closed the connection
	CodeBanned              Code = "banned"                // the user is temporarily or permanently banned
	CodeMuted               Code = "muted"                 // the user may not comment in the live, for a time or for good
	CodeNameTaken           Code = "name_taken"            // the username is or was in use, or is reserved
	CodeTextInvalid         Code = "text_invalid"          // the text is not UTF-8, has a character that cannot be shown, or has no visible one
	CodeTextEmpty           Code = "text_empty"            // the text is empty after spaces at both ends are removed
	CodeTextTooLong         Code = "text_too_long"         // the text is longer than the field allows
	CodeLiveNotFound        Code = "live_not_found"        // the live does not exist or belongs to another user
	CodeLiveNotStarted      Code = "live_not_started"      // the live has not been on air yet
	CodeLiveEnded           Code = "live_ended"            // the live has permanently ended
	CodeLivePassword        Code = "live_password"         // the live has a password that the user has not entered
	CodeLivePasswordWrong   Code = "live_password_wrong"   // this is not the password of the live
	CodeLiveFollowers       Code = "live_followers"        // the live is for followers of the streamer
	CodeLiveInvited         Code = "live_invited"          // the live is for invited users
	CodeLivePaid            Code = "live_paid"             // the live needs a ticket, which the user does not have
	CodeLiveAge             Code = "live_age"              // the live requires an age that the profile of the user does not have
	CodeTicketNotSold       Code = "ticket_not_sold"       // there are no tickets for the live
	CodeTicketNotNeeded     Code = "ticket_not_needed"     // the user has a ticket for the live, or needs none
	CodeTicketPrice         Code = "ticket_price"          // the ticket has another price
	CodeTicketNotFound      Code = "ticket_not_found"      // the user has no ticket for the live, or it was refunded
	CodeTicketStarted       Code = "ticket_started"        // the live has started, so only an operator may refund its tickets
	CodeInvitationNotFound  Code = "invitation_not_found"  // the live has no such invitation, or it was revoked
	CodeInvitationClosed    Code = "invitation_closed"     // the invitation has expired, or enough users have used it
	CodeNoBroadcast         Code = "no_broadcast"          // the live has no broadcast now
	CodeRecordingNotFound   Code = "recording_not_found"   // the recording does not exist, is deleted or belongs to another user
	CodeRecordingRunning    Code = "recording_running"     // the recording is still being written
	CodeCommentEmpty        Code = "comment_empty"         // the comment is empty after spaces at both ends are removed
	CodeCommentTooLong      Code = "comment_too_long"      // the comment has more than 200 characters
	CodeCommentsOff         Code = "comments_off"          // only the owner and moderators may comment in the live
	CodeSlowMode            Code = "slow_mode"             // the user may not comment again so soon
	CodeMembersOnly         Code = "members_only"          // the account of the user is too new to comment
	CodeFollowersOnly       Code = "followers_only"        // only followers of the streamer may comment, or those who have followed long enough
	CodeLinksOff            Code = "links_off"             // comments must not contain links
	CodeWordRefused         Code = "word_refused"          // the comment contains a word of a list that is not allowed
	CodeCommentNotFound     Code = "comment_not_found"     // the comment does not exist or was removed
	CodeStickersOnly        Code = "stickers_only"         // comments must consist of emoji and names of stickers
	CodeReviewFull          Code = "review_full"           // too many comments wait for a review
	CodeReportNotFound      Code = "report_not_found"      // the report does not exist, was decided, or concerns the actor
	CodeReportClaimed       Code = "report_claimed"        // another moderator works on the report
	CodeReportsFull         Code = "reports_full"          // too many reports wait for a decision
	CodeMessageEmpty        Code = "message_empty"         // the message is empty after spaces at both ends are removed
	CodeMessageTooLong      Code = "message_too_long"      // the message has more than 1000 characters
	CodeChatRoomNotFound    Code = "chat_room_not_found"   // the chat room does not exist or was removed
	CodeChatRoomTaken       Code = "chat_room_taken"       // another chat room has this name
	CodeUploadQuota         Code = "upload_quota"          // the uploads of the user would become too large
	CodeTooManyChatRooms    Code = "too_many_chat_rooms"   // the limit of chat rooms is reached
	CodeParticipantNotFound Code = "participant_not_found" // the participant is not in the chat
	CodeNicknameTaken       Code = "nickname_taken"        // another participant has this nickname, it is a username, or it is reserved
	CodeEmailInvalid        Code = "email_invalid"         // the text is not an e-mail address
	CodeGiftNotFound        Code = "gift_not_found"        // the gift is not in the gift catalogue
	CodeGiftRecordNotFound  Code = "gift_record_not_found" // no gift was sent at the position
	CodeGiftRefunded        Code = "gift_refunded"         // the gift was refunded before
	CodeEarningsTooFew      Code = "earnings_too_few"      // the earnings of the streamer have too few coins
	CodeCorrectionNotFound  Code = "correction_not_found"  // the correction does not exist
	CodeCorrectionClosed    Code = "correction_closed"     // the correction was decided before, or not in time
	CodePayoutNotFound      Code = "payout_not_found"      // the payout does not exist
	CodePayoutMismatch      Code = "payout_mismatch"       // the payout has another streamer or number of coins, or is void
	CodePayoutClosed        Code = "payout_closed"         // the payout is void or was paid out
	CodeNumberOutOfRange    Code = "number_out_of_range"   // a number or price is outside its bounds
	CodeCoinsTooFew         Code = "coins_too_few"         // the wallet has too few coins
	CodeCoinsOverflow       Code = "coins_overflow"        // the wallet would exceed its maximum
	CodeCoinsClosed         Code = "coins_closed"          // a coin event cannot be applied, so no command may move the coins; try again later
	CodeOrderNotFound       Code = "order_not_found"       // the order does not exist
	CodeOrderMismatch       Code = "order_mismatch"        // the order has another user or amount, or already exists
	CodeWebhookNotFound     Code = "webhook_not_found"     // the webhook does not exist
	CodeWebhookExists       Code = "webhook_exists"        // a webhook with this name exists
	CodeWebhooksTooMany     Code = "webhooks_too_many"     // the limit of webhooks is reached
	CodeRateLimited         Code = "rate_limited"          // the server's rate limit is exceeded
	CodeBusy                Code = "busy"                  // the server cannot take more requests at the moment
	CodeInternal            Code = "internal"              // an error of the server prevented the command
)

// Chinese returns the Chinese text of the code. Old clients compare and display these texts literally. A code of
// another package without its own text has the text for wrong parameters.
func (c Code) Chinese() string {
	if s, ok := chinese[c]; ok {
		return s
	}
	return wrongParameters
}

const wrongParameters = "参数错误"

var chinese = map[Code]string{
	CodeBadRequest:          wrongParameters,
	CodeBadKey:              wrongParameters,
	CodeTextInvalid:         wrongParameters,
	CodeTextEmpty:           wrongParameters,
	CodeTextTooLong:         wrongParameters,
	CodeNumberOutOfRange:    wrongParameters,
	CodeKeyReused:           "请求重复且内容不一致",
	CodeTokenMissing:        "您没有权限访问该接口!",
	CodeTokenExpired:        "token 已过期! 请重新获取令牌",
	CodeTokenInvalid:        "Token 令牌不合法!",
	CodeSessionEnded:        "Token 令牌不合法!",
	CodeUserUnavailable:     "用户不存在或已被禁用",
	CodeForbidden:           "您没有权限访问该接口!",
	CodeKicked:              "您已被管理员移出",
	CodeBanned:              "您没有权限访问该接口!",
	CodeMuted:               "您已被禁言",
	CodeNameTaken:           "用户名已存在",
	CodeLiveNotFound:        "直播间不存在",
	CodeLiveNotStarted:      "直播间未开播",
	CodeLiveEnded:           "直播间已结束",
	CodeLivePassword:        "该直播间需要密码",
	CodeLivePasswordWrong:   "密码错误",
	CodeLiveFollowers:       "该直播间仅限粉丝，请先关注主播",
	CodeLiveInvited:         "该直播间仅限受邀用户",
	CodeLivePaid:            "该直播间需要购票",
	CodeLiveAge:             "您的年龄不符合该直播间的要求",
	CodeTicketNotSold:       "该直播间不售票",
	CodeTicketNotNeeded:     "您已可进入该直播间，无需购票",
	CodeTicketPrice:         "票价已变更，请刷新后重试",
	CodeTicketNotFound:      "门票不存在或已退款",
	CodeTicketStarted:       "直播已开始，请联系管理员退票",
	CodeInvitationNotFound:  "邀请不存在或已撤销",
	CodeInvitationClosed:    "邀请已过期或已用完",
	CodeNoBroadcast:         "直播间没有推流",
	CodeRecordingNotFound:   "录像不存在",
	CodeRecordingRunning:    "录像尚未结束",
	CodeCommentEmpty:        "评论不能为空",
	CodeCommentTooLong:      "评论最多200个字",
	CodeCommentsOff:         "主播已开启全员禁言",
	CodeSlowMode:            "发言太快，请稍后再试",
	CodeMembersOnly:         "您的账号注册时间太短，暂时不能评论",
	CodeFollowersOnly:       "仅限粉丝评论，请先关注主播",
	CodeLinksOff:            "评论不能包含链接",
	CodeWordRefused:         "评论包含不允许的词语",
	CodeCommentNotFound:     "评论不存在或已删除",
	CodeStickersOnly:        "当前只能发送表情",
	CodeReviewFull:          "待审核的评论过多，请稍后再试",
	CodeReportNotFound:      "举报不存在或已处理",
	CodeReportClaimed:       "该举报正在由其他管理员处理",
	CodeReportsFull:         "待处理的举报过多，请稍后再试",
	CodeMessageEmpty:        "消息不能为空",
	CodeMessageTooLong:      "消息最多1000个字",
	CodeChatRoomNotFound:    "房间不存在",
	CodeChatRoomTaken:       "房间已经存在!",
	CodeUploadQuota:         "上传空间已满",
	CodeTooManyChatRooms:    "房间数量已达上限",
	CodeParticipantNotFound: "对方不在线",
	CodeNicknameTaken:       "昵称已被使用",
	CodeEmailInvalid:        "邮箱格式不正确",
	CodeGiftNotFound:        "该礼物不存在",
	CodeGiftRecordNotFound:  "礼物记录不存在",
	CodeGiftRefunded:        "该礼物已退款",
	CodeEarningsTooFew:      "主播收益不足",
	CodeCorrectionNotFound:  "更正记录不存在",
	CodeCorrectionClosed:    "该更正已处理",
	CodePayoutNotFound:      "提现记录不存在",
	CodePayoutMismatch:      "提现信息不一致",
	CodePayoutClosed:        "该提现已处理",
	CodeCoinsTooFew:         "金币不足，请先充值",
	CodeCoinsOverflow:       "金币超出上限",
	CodeCoinsClosed:         "金币功能维护中，请稍后再试",
	CodeOrderNotFound:       "订单不存在",
	CodeOrderMismatch:       "订单信息不一致",
	CodeWebhookNotFound:     "该 Webhook 不存在",
	CodeWebhookExists:       "该 Webhook 已存在",
	CodeWebhooksTooMany:     "Webhook 数量已达上限",
	CodeRateLimited:         "操作太频繁，请稍后再试",
	CodeBusy:                "系统繁忙，请稍后再试",
	CodeInternal:            "系统繁忙，请稍后再试",
}
