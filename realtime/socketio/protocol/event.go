package protocol

import (
	"encoding/json"
	"errors"
	"fmt"

	"roomlog/internal/strictjson"
	"roomlog/realtime/socketio/engineio"
)

// Event is an event that a client emitted, or its acknowledgement of an event of the server.
type Event struct {
	// Name is the name of the event; "" for an acknowledgement.
	Name string
	// Arguments contains the arguments as JSON, with placeholders for attachments.
	Arguments   []json.RawMessage
	attachments [][]byte
	id          int64
	reply       func(id int64, arguments []any)
	replied     bool
}

// parseEvent decodes the data of an EVENT or ACK packet.
func parseEvent(p *packet) (*Event, error) {
	e := &Event{id: p.id, attachments: p.attachments}
	if err := json.Unmarshal(p.data, &e.Arguments); err != nil {
		return nil, errPacket
	}
	if p.kind == typeAck || p.kind == typeBinaryAck {
		return e, nil
	}
	if len(e.Arguments) == 0 || e.Arguments[0][0] != '"' || json.Unmarshal(e.Arguments[0], &e.Name) != nil {
		return nil, errPacket
	}
	e.Arguments = e.Arguments[1:]
	return e, nil
}

// errNoArgument is the error for an argument that is missing.
var errNoArgument = errors.New("the argument is missing")

// CheckMembers returns a *strictjson.MemberError if an argument contains an object with an ambiguous member.
func (e *Event) CheckMembers() error {
	for _, argument := range e.Arguments {
		if err := strictjson.Check(argument, nil); err != nil {
			return err
		}
	}
	return nil
}

// Argument decodes argument i, counted from 0, into v. Ambiguous members are errors.
func (e *Event) Argument(i int, v any) error {
	if i >= len(e.Arguments) {
		return errNoArgument
	}
	if err := strictjson.Unmarshal(e.Arguments[i], v); err != nil {
		return fmt.Errorf("argument %d: %w", i, err)
	}
	return nil
}

// Values returns the arguments with their attachments, ready to be emitted again. Arguments of an event without
// attachments stay JSON.
func (e *Event) Values() ([]any, error) {
	values := make([]any, len(e.Arguments))
	for i, raw := range e.Arguments {
		values[i] = raw
		if len(e.attachments) == 0 {
			continue
		}
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return nil, fmt.Errorf("argument %d: %w", i, err)
		}
		var err error
		if values[i], err = insertBinary(v, e.attachments); err != nil {
			return nil, fmt.Errorf("argument %d: %w", i, err)
		}
	}
	return values, nil
}

// WantsAck reports whether the client requested an acknowledgement.
func (e *Event) WantsAck() bool { return e.id != noID }

// Acknowledge acknowledges the event. Only the first call has an effect, and only if the client requested an
// acknowledgement.
func (e *Event) Acknowledge(arguments ...any) {
	if !e.WantsAck() || e.replied {
		return
	}
	e.replied = true
	e.reply(e.id, arguments)
}

// Payload returns the payload of a frame that emits an event without attachments to sockets of a namespace. It is the
// same for clients of both protocols, so that one frame serves many sockets.
func Payload(namespace, event string, arguments ...any) []byte {
	p := packet{kind: typeEvent, namespace: namespace, id: noID}
	p.data, _ = encodeArguments(append([]any{event}, arguments...))
	return engineio.Message(p.encode())
}
