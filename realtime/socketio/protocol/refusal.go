package protocol

import (
	"encoding/json"
	"errors"
)

// Refusal is the reason why a socket may not connect.
type Refusal struct {
	Message string
	Data    any // additional data for programs; nil: none
}

// Error returns the message that the client receives.
func (r *Refusal) Error() string { return r.Message }

// encodeRefusal returns the data of a CONNECT_ERROR packet. Clients of protocol 4 get the data of the refusal alone.
func encodeRefusal(err error, protocol4 bool) json.RawMessage {
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		refusal = &Refusal{Message: err.Error()}
	}
	switch {
	case protocol4 && refusal.Data != nil:
		return encodeJSON(refusal.Data)
	case protocol4:
		return encodeJSON(refusal.Message)
	}
	return encodeJSON(struct {
		Message string `json:"message"`
		Data    any    `json:"data,omitempty"`
	}{refusal.Message, refusal.Data})
}
