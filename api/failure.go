package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

// success is the envelope of everything that went well.
type success[T any] struct {
	Msg  string `json:"msg" enum:"ok"`
	Data T      `json:"data"`
}

// failure is the envelope of everything else. Data is what old clients show and match.
type failure struct {
	Msg    string      `json:"msg" enum:"fail"`
	Data   string      `json:"data" doc:"for people, in Chinese"`
	Code   domain.Code `json:"code" doc:"for programs, stable"`
	TextEN string      `json:"text_en" doc:"for people, in English"`

	status int
	retry  time.Duration // when it is worth trying again; 0: not said
}

// Error implements error.
func (f *failure) Error() string { return string(f.Code) + ": " + f.TextEN }

// GetStatus implements huma.StatusError.
func (f *failure) GetStatus() int { return f.status }

// GetHeaders implements huma.HeadersError.
func (f *failure) GetHeaders() http.Header {
	if f.retry == 0 {
		return nil
	}
	return http.Header{"Retry-After": {strconv.Itoa(int((f.retry + time.Second - 1) / time.Second))}}
}

// Codes of this door, beside the domain's.
const (
	codeNoRoute       domain.Code = "no_such_endpoint"
	codeNoConnection  domain.Code = "connection_not_found"
	codeMethod        domain.Code = "method_not_allowed"
	codeBodyTooLarge  domain.Code = "body_too_large"
	codeBodyTooSlow   domain.Code = "body_too_slow"
	codeCredentials   domain.Code = "credentials_wrong"
	codePasswordShort domain.Code = "password_too_short"
	codePasswordLong  domain.Code = "password_too_long"
	codePasswordsDiff domain.Code = "passwords_differ"
	codeImage         domain.Code = "image_unsupported"
	codeSignature     domain.Code = "signature_invalid"
	codeCursor        domain.Code = "cursor_invalid"
	codeCursorLost    domain.Code = "cursor_lost"
)

// chinese are the texts of this door's codes.
var chinese = map[domain.Code]string{
	codeNoRoute:       "接口不存在",
	codeNoConnection:  "连接不存在",
	codeMethod:        "请求方式错误",
	codeBodyTooLarge:  "请求内容过大",
	codeBodyTooSlow:   "请求超时",
	codeCredentials:   "用户名或密码错误",
	codePasswordShort: "密码至少6个字符",
	codePasswordLong:  "密码最多128个字符",
	codePasswordsDiff: "两次输入的密码不一致",
	codeImage:         "只支持 JPEG、PNG、GIF、WebP 图片和 OGG、MP3、M4A、AAC、WebM、WAV、AMR 语音",
	codeSignature:     "签名错误",
}

// statuses is the HTTP status of every code that has not 400.
var statuses = map[domain.Code]int{
	domain.CodeTokenMissing:        http.StatusUnauthorized,
	domain.CodeTokenExpired:        http.StatusUnauthorized,
	domain.CodeTokenInvalid:        http.StatusUnauthorized,
	domain.CodeSessionEnded:        http.StatusUnauthorized,
	domain.CodeUserUnavailable:     http.StatusUnauthorized,
	codeSignature:                  http.StatusUnauthorized,
	domain.CodeForbidden:           http.StatusForbidden,
	domain.CodeBanned:              http.StatusForbidden,
	domain.CodeLiveNotFound:        http.StatusNotFound,
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
	codeCursorLost:                 http.StatusConflict,
	codeBodyTooLarge:               http.StatusRequestEntityTooLarge,
	codeImage:                      http.StatusUnsupportedMediaType,
	domain.CodeRateLimited:         http.StatusTooManyRequests,
	domain.CodeBusy:                http.StatusServiceUnavailable,
	domain.CodeInternal:            http.StatusInternalServerError,
}

// says are the texts of one endpoint where they differ from those of everywhere else.
type says map[domain.Code]string

// fail puts code into the envelope.
func fail(code domain.Code, english string, texts says) *failure {
	f := &failure{Msg: "fail", Code: code, TextEN: english, status: http.StatusBadRequest}
	if status, ok := statuses[code]; ok {
		f.status = status
	}
	switch {
	case texts[code] != "":
		f.Data = texts[code]
	case chinese[code] != "":
		f.Data = chinese[code]
	default:
		f.Data = code.Chinese()
	}
	if code == domain.CodeBusy {
		f.retry = time.Second
	}
	return f
}

// refusal says no in the domain's words.
func refusal(code domain.Code, format string, args ...any) error {
	return &domain.Refusal{Code: code, Text: fmt.Sprintf(format, args...)}
}

func badRequest(english string) error { return refusal(domain.CodeBadRequest, "%s", english) }

// failed is the one place where an error becomes an answer. What is ours is logged here, once,
// and never told.
func (s *server) failed(ctx context.Context, err error, texts says) *failure {
	var f *failure
	var no *domain.Refusal
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &no):
		return fail(no.Code, no.Text, texts)
	case errors.Is(err, eventstore.ErrCursorLost):
		return fail(codeCursorLost, "the cursor is of another log, or this log was restored to an earlier day: begin anew", texts)
	case errors.Is(err, eventstore.ErrInvalidCursor):
		return fail(codeCursor, "this is no cursor: send one back as it came, or 0 for the beginning", texts)
	case errors.Is(err, projections.ErrNotFound): // a person whom the tables do not know, or not yet
		return fail(domain.CodeUserUnavailable, "there is no such user", texts)
	case errors.Is(err, context.Canceled) && ctx.Err() != nil: // the client has gone
		return fail(domain.CodeBusy, "the request was given up", texts)
	case errors.Is(err, eventstore.ErrBusy):
		return fail(domain.CodeBusy, "too much to do at the moment: try again in a second", texts)
	}
	asked := askerOf(ctx)
	s.log.ErrorContext(ctx, "request failed", slog.String("request_id", asked.id), slog.Any("err", err))
	if unavailable(err) {
		return fail(domain.CodeBusy, "the log cannot be reached at the moment: try again in a second", texts)
	}
	return fail(domain.CodeInternal, "something went wrong here: try again later", texts)
}

// unavailable says whether err will pass: the database is away, or too slow to wait for.
func unavailable(err error) bool {
	var connect *pgconn.ConnectError
	var broken net.Error
	var said *pgconn.PgError
	return errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, eventstore.ErrClosed) ||
		errors.Is(err, eventstore.ErrOutcomeUnknown) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &connect) || errors.As(err, &broken) ||
		errors.As(err, &said) && (strings.HasPrefix(said.Code, "57P") || strings.HasPrefix(said.Code, "08"))
}
