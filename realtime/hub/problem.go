package hub

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/ratelimit"
	"roomlog/projections"
)

// Codes of the realtime servers, in addition to the codes of package domain.
const (
	CodeTooManyConnections domain.Code = "too_many_connections" // one user has too many connections
	CodeTooManyLives       domain.Code = "too_many_lives"       // one connection is in too many lives
	CodeOutcomeUnknown     domain.Code = "outcome_unknown"      // the command may have been executed: the client may repeat it with the same key
	CodeCursorInvalid      domain.Code = "cursor_invalid"       // the string is not a cursor
)

// chinese contains the Chinese texts of the codes of this package.
var chinese = map[domain.Code]string{
	CodeTooManyConnections: "操作太频繁，请稍后再试",
	CodeTooManyLives:       "操作太频繁，请稍后再试",
	CodeOutcomeUnknown:     "系统繁忙，请稍后再试",
}

// busyRetry is the time after which a client may retry when the log or the tables were not available.
const busyRetry = time.Second

// coinsRetry is the time after which a client may retry when coins are closed: an operator has to decide.
const coinsRetry = time.Minute

// Problem is an error in the form in which clients receive it.
type Problem struct {
	Code       domain.Code
	Text       string        // English text
	TextZH     string        // Chinese text
	RetryAfter time.Duration // time after which the client may retry; 0 if unknown
	Until      time.Time     // time when the same request is no longer refused for this reason, see domain.Refusal.Until
}

// NewProblem returns a problem with the Chinese text of its code.
func NewProblem(code domain.Code, text string) *Problem {
	zh := chinese[code]
	if zh == "" {
		zh = code.Chinese()
	}
	return &Problem{Code: code, Text: text, TextZH: zh}
}

// After sets RetryAfter to wait and returns p.
func (p *Problem) After(wait time.Duration) *Problem {
	p.RetryAfter = wait
	return p
}

func (p *Problem) Error() string { return string(p.Code) + ": " + p.Text }

// CodeOf returns the code of the Problem that ProblemOf returns for err, or "" if err is nil.
func CodeOf(err error) string {
	if err == nil {
		return ""
	}
	p, _ := ProblemOf(err)
	return string(p.Code)
}

// ProblemOf converts an error into the Problem for the client. internal reports whether err is an internal error, which
// the caller logs.
func ProblemOf(err error) (p *Problem, internal bool) {
	r := domain.AsRefusal(err)
	var exceeded *ratelimit.Exceeded
	switch {
	case errors.As(err, &p):
		return p, false
	case r != nil && r.Code == domain.CodeCoinsClosed:
		return NewProblem(r.Code, r.Text).After(coinsRetry), false
	case errors.As(err, &exceeded):
		return NewProblem(r.Code, r.Text).After(exceeded.RetryAfter), false
	case r != nil:
		p = NewProblem(r.Code, r.Text)
		p.Until = r.Until
		return p, false
	case errors.Is(err, eventstore.ErrInvalidCursor):
		return NewProblem(CodeCursorInvalid, err.Error()), false
	case errors.Is(err, projections.ErrNotFound):
		return NewProblem(domain.CodeLiveNotFound, "the live does not exist"), false
	case errors.Is(err, eventstore.ErrBusy), errors.Is(err, projections.ErrBehind), errors.Is(err, eventstore.ErrClosed):
		return NewProblem(domain.CodeBusy, "busy: try again in a second").After(busyRetry), false
	case errors.Is(err, eventstore.ErrOutcomeUnknown), errors.Is(err, context.DeadlineExceeded):
		return NewProblem(CodeOutcomeUnknown, "the outcome is unknown: send it again with the same key").After(busyRetry), true
	case eventstore.IsUnavailable(err):
		return NewProblem(domain.CodeBusy, "the database cannot be reached: try again in a second").After(busyRetry), true
	}
	return NewProblem(domain.CodeInternal, "internal error: try again later").After(busyRetry), true
}

// LevelOf returns the level at which the caller logs an internal error. Overload and a database that cannot be reached are
// no faults of the server: they are warnings.
func LevelOf(err error) slog.Level {
	if eventstore.IsUnavailable(err) {
		return slog.LevelWarn
	}
	return slog.LevelError
}
