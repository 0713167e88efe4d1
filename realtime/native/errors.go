package native

import (
	"encoding/json"
	"errors"
	"time"

	"roomlog/domain"
	"roomlog/internal/strictjson"
	"roomlog/realtime/hub"
	"roomlog/realtime/ws"
)

// Codes of the native dialect, in addition to the codes of packages domain and hub.
const (
	codeBadJSON     domain.Code = "bad_json"     // the frame does not contain exactly one JSON object
	codeUnknownType domain.Code = "unknown_type" // no frame has this type
	codeHelloFirst  domain.Code = "hello_first"  // a frame was sent before hello
	codeOtherUser   domain.Code = "other_user"   // the token of a second hello belongs to another user
)

// errorInfo is the field data of an error frame.
type errorInfo struct {
	Code       domain.Code `json:"code" jsonschema_description:"for programs, stable"`
	Text       string      `json:"text" jsonschema_description:"for people, in English"`
	TextZH     string      `json:"text_zh" jsonschema_description:"for people, in Chinese"`
	RetryAfter int64       `json:"retry_after,omitempty" jsonschema_description:"milliseconds after which another try makes sense"`
	Until      *time.Time  `json:"until,omitempty" jsonschema_description:"when the same request is no longer refused for this reason, by the time of the log"`
}

func errorInfoOf(p *hub.Problem) errorInfo {
	info := errorInfo{Code: p.Code, Text: p.Text, TextZH: p.TextZH}
	if p.RetryAfter > 0 {
		info.RetryAfter = max(p.RetryAfter.Milliseconds(), 1)
	}
	if !p.Until.IsZero() {
		info.Until = &p.Until
	}
	return info
}

// badRequest returns the Problem for a request with wrong fields.
func badRequest(text string) *hub.Problem { return hub.NewProblem(domain.CodeBadRequest, text) }

// malformedFrame returns the Problem for a frame that cannot be decoded.
func malformedFrame(err error) *hub.Problem {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		if wrong.Field == "" {
			return badRequest("a frame and its data must be JSON objects")
		}
		return badRequest(strictjson.TypeProblem(err))
	}
	if member := strictjson.AsMemberError(err); member != nil {
		return badRequest(member.Error())
	}
	return hub.NewProblem(codeBadJSON, "not JSON: "+err.Error())
}

// closeCodeOf returns the close code for a refusal that ends the connection, or 0 for other refusals.
func closeCodeOf(code domain.Code) uint16 {
	switch code {
	case domain.CodeTokenMissing, domain.CodeTokenInvalid, domain.CodeTokenExpired, domain.CodeUserUnavailable:
		return ws.CloseTokenInvalid
	case domain.CodeSessionEnded:
		return ws.CloseReplaced
	case domain.CodeKicked, domain.CodeBanned:
		return ws.CloseKicked
	case hub.CodeTooManyConnections:
		return ws.CloseTooMany
	}
	return 0
}
