package socketio

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"roomlog/domain"
	"roomlog/internal/limit"
	"roomlog/internal/strictjson"
	"roomlog/realtime/hub"
	"roomlog/realtime/socketio/protocol"
)

// requestContext returns the context for handling one event of a socket. Commands with this context count against the
// address of the client.
func requestContext(k *protocol.Socket) (context.Context, context.CancelFunc) {
	return context.WithTimeout(limit.WithAddress(context.Background(), k.Session().Address()), requestTimeout)
}

// liveRequest is the argument of an event about a live. Its fields may have any type, because each fault is refused
// with its own text.
type liveRequest struct {
	Token json.RawMessage `json:"token"`
	Live  json.RawMessage `json:"live_id"`
	Gift  json.RawMessage `json:"gift_id"`
	Data  json.RawMessage `json:"data"`
}

// parse returns the request, the live and the identity in an event about a live.
func (c *core) parse(e *protocol.Event) (r liveRequest, live domain.LiveID, by hub.Identity, err error) {
	if member := strictjson.AsMemberError(e.Argument(0, &r)); member != nil { // other arguments that are not an object contain no token
		return r, 0, by, badRequest(member.Error())
	}
	token := ""
	if len(r.Token) > 0 && json.Unmarshal(r.Token, &token) != nil {
		return r, 0, by, &domain.Refusal{Code: domain.CodeTokenInvalid, Text: "token must be a string"}
	}
	if by, err = c.cfg.Hub.Verify(token); err != nil {
		return r, 0, by, err
	}
	id, err := parseID("live_id", r.Live)
	return r, domain.LiveID(id), by, err
}

// parseID decodes an id: a JSON number, or a string with a number.
func parseID(field string, raw json.RawMessage) (int64, error) {
	text := string(raw)
	var quoted string
	if json.Unmarshal(raw, &quoted) == nil {
		text = strings.TrimSpace(quoted)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, badRequest(field + " must be a positive number")
	}
	return n, nil
}

// textArgument returns argument i of an event if it is a string.
func textArgument(e *protocol.Event, i int) (text string, ok bool) {
	if i >= len(e.Arguments) || len(e.Arguments[i]) == 0 || e.Arguments[i][0] != '"' {
		return "", false
	}
	return text, json.Unmarshal(e.Arguments[i], &text) == nil
}

func badRequest(text string) *domain.Refusal {
	return &domain.Refusal{Code: domain.CodeBadRequest, Text: text}
}
