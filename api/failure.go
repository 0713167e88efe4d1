package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"roomlog/api/password"
	"roomlog/api/tlog"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/place"
	"roomlog/eventstore/ratelimit"
	"roomlog/internal/tracing"
	"roomlog/projections"
)

// failure is the envelope of a failed response. It is also an error. Old clients compare and display the field Data.
type failure struct {
	Msg    string      `json:"msg" enum:"fail"`
	Data   string      `json:"data" doc:"for people, in Chinese"`
	Code   domain.Code `json:"code" doc:"for programs, stable"`
	TextEN string      `json:"text_en" doc:"for people, in English"`
	Until  *time.Time  `json:"until,omitempty" doc:"when the same request is no longer refused for this reason, by the time of the log"`

	status     int
	retryAfter time.Duration // value of the header Retry-After; 0: no header
}

func (f *failure) Error() string { return string(f.Code) + ": " + f.TextEN }

// GetStatus returns the HTTP status, for huma.
func (f *failure) GetStatus() int { return f.status }

// GetHeaders returns the HTTP headers, for huma.
func (f *failure) GetHeaders() http.Header {
	if f.retryAfter == 0 {
		return nil
	}
	return http.Header{"Retry-After": {strconv.Itoa(int((f.retryAfter + time.Second - 1) / time.Second))}}
}

// Codes of this server, in addition to the codes of package domain.
const (
	codeNoRoute       domain.Code = "no_such_endpoint"
	codeNoConnection  domain.Code = "connection_not_found"
	codeMethod        domain.Code = "method_not_allowed"
	codeBodyTooLarge  domain.Code = "body_too_large"
	codeBodyTooSlow   domain.Code = "body_too_slow"
	codeCredentials   domain.Code = "credentials_wrong"
	codeSignInBusy    domain.Code = "sign_in_busy"
	codePasswordsDiff domain.Code = "passwords_differ"
	codeImage         domain.Code = "image_unsupported"
	codeImageDamaged  domain.Code = "image_damaged"
	codeImageSize     domain.Code = "image_too_many_pixels"
	codeStorageFull   domain.Code = "storage_full"
	codeSignature     domain.Code = tlog.CodeSignature
	codeCursor        domain.Code = "cursor_invalid"
	codeCursorLost    domain.Code = "cursor_lost"
)

// chinese contains the Chinese text of each code of this server.
var chinese = map[domain.Code]string{
	codeNoRoute:           "接口不存在",
	codeNoConnection:      "连接不存在",
	codeMethod:            "请求方式错误",
	codeBodyTooLarge:      "请求内容过大",
	codeBodyTooSlow:       "请求超时",
	codeCredentials:       "用户名或密码错误",
	password.CodeTooShort: "密码至少6个字符",
	password.CodeTooLong:  "密码最多128个字符",
	codeSignInBusy:        domain.CodeBusy.Chinese(),
	codePasswordsDiff:     "两次输入的密码不一致",
	codeImage:             "只支持 JPEG、PNG、GIF、WebP 图片和 OGG、MP3、M4A、AAC、WebM、WAV、AMR 语音",
	codeImageDamaged:      "图片已损坏或不完整，请重新选择",
	codeImageSize:         "图片尺寸过大，最多6400万像素，边长不超过16384像素",
	codeStorageFull:       "存储空间不足，请稍后再试",
	codeSignature:         "签名错误",
	tlog.CodeWitness:      "未知的见证人",
	tlog.CodeTree:         "透明日志的树不一致",
	tlog.CodeUnknownSize:  "透明日志没有该检查点",
	tlog.CodeFork:         "透明日志与该检查点矛盾",
	tlog.CodeNotSigned:    "证明尚未生成，请稍后再试",
}

// statuses maps codes to HTTP statuses. It contains every code of package domain, which a test of package docs checks. Codes of
// this server that are not in it have status 400.
var statuses = map[domain.Code]int{
	domain.CodeBadRequest:          http.StatusBadRequest,
	domain.CodeBadKey:              http.StatusBadRequest,
	domain.CodeKicked:              http.StatusBadRequest,
	domain.CodeTextInvalid:         http.StatusBadRequest,
	domain.CodeTextEmpty:           http.StatusBadRequest,
	domain.CodeTextTooLong:         http.StatusBadRequest,
	domain.CodeCommentEmpty:        http.StatusBadRequest,
	domain.CodeCommentTooLong:      http.StatusBadRequest,
	domain.CodeMessageEmpty:        http.StatusBadRequest,
	domain.CodeMessageTooLong:      http.StatusBadRequest,
	domain.CodeEmailInvalid:        http.StatusBadRequest,
	domain.CodeGiftRefunded:        http.StatusBadRequest,
	domain.CodeEarningsTooFew:      http.StatusBadRequest,
	domain.CodeCorrectionClosed:    http.StatusBadRequest,
	domain.CodePayoutMismatch:      http.StatusBadRequest,
	domain.CodePayoutClosed:        http.StatusBadRequest,
	domain.CodeNumberOutOfRange:    http.StatusBadRequest,
	domain.CodeTokenMissing:        http.StatusUnauthorized,
	domain.CodeTokenExpired:        http.StatusUnauthorized,
	domain.CodeTokenInvalid:        http.StatusUnauthorized,
	domain.CodeSessionEnded:        http.StatusUnauthorized,
	domain.CodeUserUnavailable:     http.StatusUnauthorized,
	codeSignature:                  http.StatusUnauthorized,
	domain.CodeForbidden:           http.StatusForbidden,
	domain.CodeBanned:              http.StatusForbidden,
	domain.CodeMuted:               http.StatusForbidden,
	domain.CodeLivePasswordWrong:   http.StatusForbidden,
	domain.CodeLivePassword:        http.StatusForbidden,
	domain.CodeLiveFollowers:       http.StatusForbidden,
	domain.CodeLiveInvited:         http.StatusForbidden,
	domain.CodeLivePaid:            http.StatusForbidden,
	domain.CodeLiveAge:             http.StatusForbidden,
	domain.CodeTicketNotFound:      http.StatusNotFound,
	domain.CodeTicketNotSold:       http.StatusConflict,
	domain.CodeTicketNotNeeded:     http.StatusConflict,
	domain.CodeTicketPrice:         http.StatusConflict,
	domain.CodeTicketStarted:       http.StatusConflict,
	domain.CodeFollowersOnly:       http.StatusForbidden,
	domain.CodeInvitationNotFound:  http.StatusNotFound,
	domain.CodeInvitationClosed:    http.StatusConflict,
	domain.CodeCommentsOff:         http.StatusForbidden,
	domain.CodeSlowMode:            http.StatusForbidden,
	domain.CodeMembersOnly:         http.StatusForbidden,
	domain.CodeLinksOff:            http.StatusForbidden,
	domain.CodeWordRefused:         http.StatusForbidden,
	domain.CodeStickersOnly:        http.StatusForbidden,
	domain.CodeReviewFull:          http.StatusForbidden,
	domain.CodeReportsFull:         http.StatusForbidden,
	domain.CodeReportClaimed:       http.StatusConflict,
	domain.CodeReportNotFound:      http.StatusNotFound,
	domain.CodeLiveNotFound:        http.StatusNotFound,
	domain.CodeCommentNotFound:     http.StatusNotFound,
	domain.CodeGiftRecordNotFound:  http.StatusNotFound,
	domain.CodeCorrectionNotFound:  http.StatusNotFound,
	domain.CodePayoutNotFound:      http.StatusNotFound,
	domain.CodeWebhookNotFound:     http.StatusNotFound,
	domain.CodeWebhookExists:       http.StatusConflict,
	domain.CodeWebhooksTooMany:     http.StatusConflict,
	domain.CodeGiftNotFound:        http.StatusNotFound,
	domain.CodeRecordingNotFound:   http.StatusNotFound,
	domain.CodeOrderNotFound:       http.StatusNotFound,
	codeNoRoute:                    http.StatusNotFound,
	codeNoConnection:               http.StatusNotFound,
	codeMethod:                     http.StatusMethodNotAllowed,
	codeBodyTooSlow:                http.StatusRequestTimeout,
	domain.CodeChatRoomNotFound:    http.StatusNotFound,
	domain.CodeParticipantNotFound: http.StatusNotFound,
	domain.CodeKeyReused:           http.StatusConflict,
	domain.CodeChatRoomTaken:       http.StatusConflict,
	domain.CodeTooManyChatRooms:    http.StatusConflict,
	domain.CodeNicknameTaken:       http.StatusConflict,
	domain.CodeNameTaken:           http.StatusConflict,
	domain.CodeLiveNotStarted:      http.StatusConflict,
	domain.CodeLiveEnded:           http.StatusConflict,
	domain.CodeRecordingRunning:    http.StatusConflict,
	domain.CodeNoBroadcast:         http.StatusConflict,
	domain.CodeCoinsTooFew:         http.StatusConflict,
	domain.CodeCoinsOverflow:       http.StatusConflict,
	domain.CodeOrderMismatch:       http.StatusConflict,
	domain.CodeUploadQuota:         http.StatusConflict,
	codeStorageFull:                http.StatusInsufficientStorage,
	codeCursorLost:                 http.StatusConflict,
	tlog.CodeWitness:               http.StatusForbidden,
	tlog.CodeTree:                  http.StatusConflict,
	tlog.CodeUnknownSize:           http.StatusConflict,
	tlog.CodeFork:                  http.StatusConflict,
	tlog.CodeNotSigned:             http.StatusConflict,
	codeBodyTooLarge:               http.StatusRequestEntityTooLarge,
	codeImage:                      http.StatusUnsupportedMediaType,
	codeImageDamaged:               http.StatusUnsupportedMediaType,
	codeImageSize:                  http.StatusRequestEntityTooLarge,
	domain.CodeRateLimited:         http.StatusTooManyRequests,
	codeSignInBusy:                 http.StatusTooManyRequests,
	domain.CodeBusy:                http.StatusServiceUnavailable,
	domain.CodeCoinsClosed:         http.StatusServiceUnavailable,
	domain.CodeInternal:            http.StatusInternalServerError,
}

// texts maps codes to the Chinese texts of one endpoint that differ from the general Chinese texts.
type texts map[domain.Code]string

// newFailure returns the failure with a code and an English text. The Chinese text is the one in own, if own contains
// the code, or else the general one. own may be nil.
func newFailure(code domain.Code, english string, own texts) *failure {
	f := &failure{Msg: "fail", Code: code, TextEN: english, status: http.StatusBadRequest}
	if status, ok := statuses[code]; ok {
		f.status = status
	}
	switch {
	case own[code] != "":
		f.Data = own[code]
	case chinese[code] != "":
		f.Data = chinese[code]
	default:
		f.Data = code.Chinese()
	}
	switch code {
	case domain.CodeBusy:
		f.retryAfter = time.Second
	case domain.CodeCoinsClosed: // lasts until an operator has decided about the bad event
		f.retryAfter = time.Minute
	}
	return f
}

// refusal returns a *domain.Refusal with a code and a formatted English text.
func refusal(code domain.Code, format string, args ...any) error {
	return &domain.Refusal{Code: code, Text: fmt.Sprintf(format, args...)}
}

func badRequest(english string) error { return refusal(domain.CodeBadRequest, "%s", english) }

// placeFailure converts the error about a place of the log into a refusal. The client has sent the place in the
// parameter name.
func placeFailure(name string, err error) error {
	if wrong := (*place.Error)(nil); errors.As(err, &wrong) {
		return badPlace(name + " " + wrong.Error())
	}
	return err
}

// badPlace returns the refusal of a place. A plus in the time zone of an address stands for a space.
func badPlace(english string) error {
	if withSpace.MatchString(english) {
		english += "; write + as %2B"
	}
	return badRequest(english)
}

// withSpace matches a time whose time zone begins with a space.
var withSpace = regexp.MustCompile(`T[0-9:.]+ \d\d:\d\d`)

// reporter converts errors into failures.
type reporter struct {
	log *slog.Logger
}

// failure converts an error into the failure to send to the client. All errors of requests pass through it. It logs
// internal errors and does not send their messages to the client. An overload is not an internal error: it is logged as
// a warning. The trace of the request ends with the code of the failure.
func (r reporter) failure(ctx context.Context, err error, own texts) *failure {
	f := r.failureOf(ctx, err, own)
	tracing.Fail(ctx, string(f.Code))
	return f
}

func (r reporter) failureOf(ctx context.Context, err error, own texts) *failure {
	var f *failure
	var refused *domain.Refusal
	var exceeded *ratelimit.Exceeded
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &exceeded):
		f = newFailure(domain.CodeRateLimited, "too many requests: try again later", own)
		f.retryAfter = max(exceeded.RetryAfter, time.Second)
		return f
	case errors.As(err, &refused):
		f = newFailure(refused.Code, refused.Text, own)
		if !refused.Until.IsZero() {
			f.Until = &refused.Until
		}
		return f
	case errors.Is(err, eventstore.ErrCursorLost):
		return newFailure(codeCursorLost, "the cursor belongs to another log, or to events that a restore has removed: start again without it", own)
	case errors.Is(err, eventstore.ErrInvalidCursor):
		return newFailure(codeCursor, "the cursor is not valid: send one exactly as a response contained it, or 0 for the beginning", own)
	case errors.Is(err, projections.ErrBehind):
		return newFailure(domain.CodeBusy, "the tables are behind the log: try again in a second", own)
	case errors.Is(err, projections.ErrNotFound): // the tables do not contain the user, or do not contain the user yet
		return newFailure(domain.CodeUserUnavailable, "there is no such user", own)
	case errors.Is(err, context.Canceled) && ctx.Err() != nil: // the client has disconnected
		return newFailure(domain.CodeBusy, "the request was canceled", own)
	case errors.Is(err, password.ErrBusy):
		f := newFailure(codeSignInBusy, "too many users are signing in: try again in some seconds", own)
		f.retryAfter = 2 * time.Second
		return f
	case errors.Is(err, eventstore.ErrBusy):
		return newFailure(domain.CodeBusy, "the server is overloaded: try again in a second", own)
	}
	if eventstore.IsUnavailable(err) {
		r.log.WarnContext(ctx, "request failed, the database cannot be reached or is too slow", slog.String("request_id", requestOf(ctx).id), slog.Any("error", err))
		return newFailure(domain.CodeBusy, "the database cannot be reached: try again in a second", own)
	}
	r.log.ErrorContext(ctx, "request failed", slog.String("request_id", requestOf(ctx).id), slog.Any("error", err))
	return newFailure(domain.CodeInternal, "internal error: try again later", own)
}
