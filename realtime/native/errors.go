package native

import (
	"encoding/json"
	"errors"
	"fmt"

	"roomlog/domain"
	"roomlog/realtime/hub"
)

// Codes of the native dialect, beside those of the domain and of the hub.
const (
	codeBadJSON     domain.Code = "bad_json"     // the message is not one JSON object
	codeUnknownType domain.Code = "unknown_type" // no frame has this type
	codeHelloFirst  domain.Code = "hello_first"  // a frame before hello
	codeOtherUser   domain.Code = "other_user"   // a second hello must be of the same user
)

// errorInfo is the data of an error frame.
type errorInfo struct {
	Code       domain.Code `json:"code" jsonschema_description:"for programs, stable"`
	Text       string      `json:"text" jsonschema_description:"for people, in English"`
	TextZH     string      `json:"text_zh" jsonschema_description:"for people, in Chinese"`
	RetryAfter int64       `json:"retry_after,omitempty" jsonschema_description:"milliseconds after which another try makes sense"`
}

func errorInfoOf(p *hub.Problem) errorInfo {
	info := errorInfo{Code: p.Code, Text: p.Text, TextZH: p.TextZH}
	if p.RetryAfter > 0 {
		info.RetryAfter = max(p.RetryAfter.Milliseconds(), 1)
	}
	return info
}

// bannedInfo is the data of a push about the end of a client's presence in a live.
type bannedInfo struct {
	Code   domain.Code `json:"code" jsonschema:"enum=banned"`
	Text   string      `json:"text" jsonschema_description:"for people: the reason if one was given, else a text in English"`
	TextZH string      `json:"text_zh" jsonschema_description:"for people: the reason if one was given, else a text in Chinese"`
}

// bannedPush is the envelope of bannedInfo, which is not part of the history of the live.
type bannedPush struct {
	Type string        `json:"type"`
	Live domain.LiveID `json:"live"`
	Data bannedInfo    `json:"data"`
}

// malformedFrame describes what is wrong with the form of a frame.
func malformedFrame(err error) *hub.Problem {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		if wrong.Field == "" {
			return hub.NewProblem(domain.CodeBadRequest, "a frame and its data must be JSON objects")
		}
		return hub.NewProblem(domain.CodeBadRequest, fmt.Sprintf("%s cannot be %s", wrong.Field, withArticle(wrong.Value)))
	}
	return hub.NewProblem(codeBadJSON, "not JSON: "+err.Error())
}

// withArticle makes "a string" of "string", and leaves "number 1.5" readable.
func withArticle(kind string) string {
	switch kind[0] {
	case 'a', 'o':
		return "an " + kind
	}
	return "a " + kind
}
