package protocol

import (
	"encoding/json"
	"errors"
	"fmt"

	"roomlog/realtime/socketio/engineio"
	"roomlog/realtime/ws"
)

// Event is what a client emitted, or its answer to what it was asked.
type Event struct {
	// Name of the event; of an answer "".
	Name string
	// Arguments behind the name, as JSON; of what is binary in them there are placeholders.
	Arguments   []json.RawMessage
	attachments [][]byte
	socket      *Socket
	id          int64
	answered    bool
}

// eventOf reads the data of an EVENT or ACK.
func eventOf(p *packet) (*Event, error) {
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

// errNoArgument is for an argument that is not there.
var errNoArgument = errors.New("the argument is missing")

// Argument reads argument number i, counted from 0, into v.
func (e *Event) Argument(i int, v any) error {
	if i >= len(e.Arguments) {
		return errNoArgument
	}
	if err := json.Unmarshal(e.Arguments[i], v); err != nil {
		return fmt.Errorf("argument %d: %w", i, err)
	}
	return nil
}

// Values are the arguments with the attachments in them, as they can be emitted again. Where there are no
// attachments an argument stays JSON.
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
		if values[i], err = putBack(v, e.attachments); err != nil {
			return nil, fmt.Errorf("argument %d: %w", i, err)
		}
	}
	return values, nil
}

// Expects says that the client wants to have the event acknowledged.
func (e *Event) Expects() bool { return e.id != noID }

// Acknowledge answers the event. Only the first answer counts, and only if the client wants one.
func (e *Event) Acknowledge(arguments ...any) {
	if !e.Expects() || e.answered {
		return
	}
	e.answered = true
	e.socket.reply(e.id, arguments)
}

// Payload is the payload of a frame that emits an event without attachments in a namespace, to many sockets
// at once: it is the same for clients of all versions.
func Payload(namespace, event string, arguments ...any) []byte {
	p := packet{kind: typeEvent, namespace: namespace, id: noID}
	p.data, _ = encodeArguments(append([]any{event}, arguments...))
	return engineio.Message(p.encode())
}

// frameOf makes the frame of a packet for one session, with its attachments.
func frameOf(s *engineio.Session, p *packet) *ws.Frame {
	text := ws.TextFrame(engineio.Message(p.encode()))
	if len(p.attachments) == 0 {
		return text
	}
	frames := []*ws.Frame{text}
	for _, a := range p.attachments {
		frames = append(frames, s.Binary(a))
	}
	return ws.Bundle(frames...)
}
