package protocol

import (
	"encoding/json"
	"errors"
)

// Namespace is a part of the server that clients connect to on their own. Only those exist that a Server
// was given.
type Namespace struct {
	// Name begins with a slash; "/" is the default one.
	Name string
	// Use are asked in turn whether a socket may connect; a *Refusal says more than other errors.
	Use []func(*Socket) error
	// Connected is told of a new socket when the client knows of it, before anything else of it is handled. It says
	// what the socket hears.
	Connected func(*Socket)
	// Recovery lets clients come back as who they were; nil: they cannot.
	Recovery *Recovery
}

// Refusal is why a socket may not connect.
type Refusal struct {
	Message string
	Data    any // more, for programs
}

// Error implements error.
func (r *Refusal) Error() string { return r.Message }

// refusalData is what a client is told of why it may not connect.
func refusalData(err error, old bool) json.RawMessage {
	var no *Refusal
	if !errors.As(err, &no) {
		no = &Refusal{Message: err.Error()}
	}
	switch {
	case old && no.Data != nil:
		return encodeJSON(no.Data)
	case old:
		return encodeJSON(no.Message)
	}
	return encodeJSON(struct {
		Message string `json:"message"`
		Data    any    `json:"data,omitempty"`
	}{no.Message, no.Data})
}
