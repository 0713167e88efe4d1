package realtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

// Codes of this door, beside the domain's.
const (
	codeBadJSON    domain.Code = "bad_json"             // the message is not one JSON object
	codeNoSuchType domain.Code = "unknown_type"         // no frame has this type
	codeHelloFirst domain.Code = "hello_first"          // say who you are
	codeOtherUser  domain.Code = "other_user"           // a second hello has to be of the same person
	codeManyConns  domain.Code = "too_many_connections" // of one person
	codeManyRooms  domain.Code = "too_many_rooms"       // of one connection
	codeCursor     domain.Code = "cursor_invalid"       // the text is no cursor
	codeUnknown    domain.Code = "outcome_unknown"      // ask again with the same key
)

// chinese are the texts of this door's codes in field text_zh.
var chinese = map[domain.Code]string{
	codeHelloFirst: "请先登录",
	codeManyConns:  "操作太频繁，请稍后再试",
	codeManyRooms:  "操作太频繁，请稍后再试",
	codeUnknown:    "系统繁忙，请稍后再试",
}

// problem is the data of an error frame.
type problem struct {
	Code       domain.Code `json:"code" jsonschema_description:"for programs, stable"`
	Text       string      `json:"text" jsonschema_description:"for people, in English"`
	TextZH     string      `json:"text_zh" jsonschema_description:"for people, in Chinese"`
	RetryAfter int64       `json:"retry_after,omitempty" jsonschema_description:"milliseconds after which it is worth trying again"`
}

// Error implements error.
func (p *problem) Error() string { return string(p.Code) + ": " + p.Text }

func newProblem(code domain.Code, text string) *problem {
	zh := chinese[code]
	if zh == "" {
		zh = code.Chinese()
	}
	return &problem{Code: code, Text: text, TextZH: zh}
}

// after says when it is worth trying again.
func (p *problem) after(wait time.Duration) *problem {
	p.RetryAfter = max(wait.Milliseconds(), 1)
	return p
}

func refusal(code domain.Code, format string, args ...any) error {
	return &domain.Refusal{Code: code, Text: fmt.Sprintf(format, args...)}
}

// errBehind: the tables lag behind the log.
var errBehind = errors.New("the tables are behind the log")

// busyRetry is when a client may ask again after the log or the tables could not answer.
const busyRetry = time.Second

// problemOf turns an error into what a client is told; ours says that it has to be logged.
func problemOf(err error) (told *problem, ours bool) {
	var p *problem
	no := domain.AsRefusal(err)
	switch {
	case errors.As(err, &p):
		return p, false
	case no != nil:
		return newProblem(no.Code, no.Text), false
	case errors.Is(err, eventstore.ErrInvalidCursor):
		return newProblem(codeCursor, err.Error()), false
	case errors.Is(err, projections.ErrNotFound):
		return newProblem(domain.CodeLiveNotFound, "there is no such live"), false
	case errors.Is(err, eventstore.ErrBusy), errors.Is(err, errBehind), errors.Is(err, eventstore.ErrClosed):
		return newProblem(domain.CodeBusy, "busy: try again in a second").after(busyRetry), false
	case errors.Is(err, eventstore.ErrUnavailable):
		return newProblem(domain.CodeBusy, "the log cannot be written at the moment: try again").after(busyRetry), true
	case errors.Is(err, eventstore.ErrOutcomeUnknown), errors.Is(err, context.DeadlineExceeded):
		return newProblem(codeUnknown, "it may have been carried out: ask again with the same key").after(busyRetry), true
	}
	return newProblem(domain.CodeInternal, "try again later").after(busyRetry), true
}

// Explain turns an error into what a client is told, also in Chinese; ours says that it has to be logged.
func Explain(err error) (no *domain.Refusal, chinese string, ours bool) {
	told, ours := problemOf(err)
	return &domain.Refusal{Code: told.Code, Text: told.Text}, told.TextZH, ours
}

// badFrame tells what is wrong with the form of a frame.
func badFrame(err error) *problem {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		if wrong.Field == "" {
			return newProblem(domain.CodeBadRequest, "a frame and its data are JSON objects")
		}
		return newProblem(domain.CodeBadRequest, fmt.Sprintf("%s cannot be %s", wrong.Field, article(wrong.Value)))
	}
	return newProblem(codeBadJSON, "not JSON: "+err.Error())
}

// article makes "a string" of "string", and leaves "number 1.5" readable.
func article(kind string) string {
	switch kind[0] {
	case 'a', 'o':
		return "an " + kind
	}
	return "a " + kind
}
