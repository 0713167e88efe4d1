package socketio

import (
	"encoding/json"
	"strconv"
	"strings"

	"roomlog/domain"
	"roomlog/realtime/hub"
	"roomlog/realtime/socketio/protocol"
)

// request is what clients send with an event of the live rooms. Every field may be of any type, for what is
// wrong is refused with its own text.
type request struct {
	Token json.RawMessage `json:"token"`
	Live  json.RawMessage `json:"live_id"`
	Gift  json.RawMessage `json:"gift_id"`
	Data  json.RawMessage `json:"data"`
}

// read answers what an event asks for, of which room, and in whose name.
func (d *Door) read(e *protocol.Event) (r request, live domain.LiveID, caller hub.Identity, err error) {
	_ = e.Argument(0, &r) // what is no object has no token
	token := ""
	if len(r.Token) > 0 && json.Unmarshal(r.Token, &token) != nil {
		return r, 0, caller, &domain.Refusal{Code: domain.CodeTokenInvalid, Text: "a token is a text"}
	}
	if caller, err = d.cfg.Hub.Verify(token); err != nil {
		return r, 0, caller, err
	}
	id, err := number("live_id", r.Live)
	return r, domain.LiveID(id), caller, err
}

// number reads an id, which may be a number or a text that holds one.
func number(field string, raw json.RawMessage) (int64, error) {
	text := string(raw)
	var quoted string
	if json.Unmarshal(raw, &quoted) == nil {
		text = strings.TrimSpace(quoted)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, &domain.Refusal{Code: domain.CodeBadRequest, Text: field + " is a number"}
	}
	return n, nil
}
