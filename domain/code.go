package domain

// A Code is stable and meant for programs.
type Code string

// The codes.
const (
	CodeBadRequest      Code = "bad_request"
	CodeBadKey          Code = "bad_key"
	CodeKeyReused       Code = "key_reused" // the same idempotency key with another body
	CodeTokenMissing    Code = "token_missing"
	CodeTokenExpired    Code = "token_expired"
	CodeTokenInvalid    Code = "token_invalid"
	CodeSessionEnded    Code = "session_ended" // signed out, or signed in elsewhere since
	CodeUserUnavailable Code = "user_unavailable"
	CodeForbidden       Code = "forbidden"
	CodeNameTaken       Code = "name_taken"
	CodeTextInvalid     Code = "text_invalid"
	CodeTextEmpty       Code = "text_empty"
	CodeTextTooLong     Code = "text_too_long"
	CodeLiveNotFound    Code = "live_not_found"
	CodeLiveNotStarted  Code = "live_not_started"
	CodeLiveEnded       Code = "live_ended"
	CodeCommentEmpty    Code = "comment_empty"
	CodeCommentTooLong  Code = "comment_too_long"
	CodeGiftNotFound    Code = "gift_not_found"
	CodeNumber          Code = "number_out_of_range"
	CodeCoinsTooFew     Code = "coins_too_few"
	CodeCoinsOverflow   Code = "coins_overflow"
	CodeOrderNotFound   Code = "order_not_found"
	CodeOrderMismatch   Code = "order_mismatch"
	CodeTooOften        Code = "too_often" // a door's rate limit
	CodeBusy            Code = "busy"      // the server cannot take more at the moment
	CodeInternal        Code = "internal"  // a fault of ours
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
	CodeKeyReused:       "请求重复且内容不一致",
	CodeTokenMissing:    "您没有权限访问该接口!",
	CodeTokenExpired:    "token 已过期! 请重新获取令牌",
	CodeTokenInvalid:    "Token 令牌不合法!",
	CodeSessionEnded:    "token 已过期! 请重新获取令牌",
	CodeUserUnavailable: "用户不存在或已被禁用",
	CodeForbidden:       "您没有权限访问该接口!",
	CodeNameTaken:       "用户名已存在",
	CodeLiveNotFound:    "直播间不存在",
	CodeLiveNotStarted:  "直播间未开播",
	CodeLiveEnded:       "直播间已结束",
	CodeCommentEmpty:    "评论不能为空",
	CodeCommentTooLong:  "评论最多200个字",
	CodeGiftNotFound:    "该礼物不存在",
	CodeCoinsTooFew:     "金币不足，请先充值",
	CodeCoinsOverflow:   "金币超出上限",
	CodeOrderNotFound:   "订单不存在",
	CodeOrderMismatch:   "订单信息不一致",
	CodeTooOften:        "操作太频繁，请稍后再试",
	CodeBusy:            "系统繁忙，请稍后再试",
	CodeInternal:        "系统繁忙，请稍后再试",
}
