package replay

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
)

// EventLine is a line with one event. Data is the payload in the newest version of the event type. Personal texts are
// decrypted, or "erased" if the user was forgotten. Readers without the role personal do not receive private fields.
type EventLine struct {
	Cursor     string        `json:"cursor" example:"4711.5f0c2a77" doc:"send it as the parameter after to continue here"`
	Position   int64         `json:"position"`
	Stream     domain.Stream `json:"stream" example:"wallet-12"`
	Version    int           `json:"version" doc:"number of the event in its stream"`
	EventID    string        `json:"event_id" example:"0192f0c1-7a3b-7c55-9d3e-0a1b2c3d4e5f"`
	Type       string        `json:"type" example:"gift.sent.v2"`
	Data       any           `json:"data" doc:"payload of the event, see EVENTS.md; null for an event that this version of the server cannot read"`
	Actor      string        `json:"actor" example:"user-12"`
	Live       domain.LiveID `json:"live,omitempty"`
	RecordedAt time.Time     `json:"recorded_at"`

	Withheld []string `json:"withheld,omitempty" doc:"private fields of data that are left out, because the reader lacks the role personal"`

	Undecodable string          `json:"undecodable,omitempty" doc:"why there is no data; type and payload are as stored"`
	Payload     json.RawMessage `json:"payload,omitempty" doc:"stored payload of an event that this version of the server cannot read; its texts are encrypted; left out without the role personal"`
}

// NewEventLine returns the line of an event. If personal is false, it leaves out private fields.
func NewEventLine(r eventstore.Record, personal bool) EventLine {
	line := EventLine{
		Cursor: eventstore.CursorOf(r), Position: r.Position, Stream: r.Stream, Version: r.Version, EventID: r.ID.String(),
		Type: r.Type, Actor: r.Metadata.Actor, Live: r.LiveID, RecordedAt: r.RecordedAt,
	}
	switch {
	case r.Fault == nil:
		line.Type = r.Event.Type()
		line.Data, line.Withheld = Data(r.Event, personal)
	case personal:
		line.Undecodable, line.Payload = r.Fault.Error(), r.Payload
	default:
		line.Undecodable, line.Withheld = "this version of the server cannot read the event", []string{"payload"}
	}
	return line
}

// Data returns the data of an event without its private fields, and the names of the fields that it left out. If
// personal is true, it returns the complete data.
func Data(e domain.Event, personal bool) (data any, withheld []string) {
	if personal {
		return e, nil
	}
	p, ok := publicParts[e.Type()]
	if !ok {
		p = publicPart(e)
	}
	return p.of(e)
}

// publicParts contains the public part of each event type.
var publicParts = func() map[string]part {
	parts := make(map[string]part)
	for _, spec := range domain.Events {
		parts[spec.Type] = publicPart(spec.Zero)
	}
	return parts
}()

func publicPart(e domain.Event) part {
	return newPart(reflect.TypeOf(e), func(i int, name string) bool { return domain.IsPrivate(e.Type(), name) })
}

// SealedData returns the data of an event with its personal texts sealed. e contains the sealed texts, and spec is its
// specification. SealedData leaves out the other private fields, which the log stores in clear, and returns their names.
func SealedData(e domain.Event, spec domain.EventSpec) (data any, withheld []string) {
	opened := e
	if spec.Personal != nil {
		changed, _, texts := spec.Personal(e)
		for _, t := range texts {
			*t += "."
		}
		opened = changed()
	}
	all, other := reflect.ValueOf(e), reflect.ValueOf(opened)
	return newPart(all.Type(), func(i int, name string) bool {
		sealed := !reflect.DeepEqual(all.Field(i).Interface(), other.Field(i).Interface())
		return domain.IsPrivate(e.Type(), name) && !sealed
	}).of(e)
}

// part describes the fields of an event type that a reader receives.
type part struct {
	fields   []int        // indexes of the fields
	data     reflect.Type // struct with these fields only
	withheld []string     // JSON names of the other fields
}

// newPart returns the part of an event type without its private fields. private reports whether a field, given by its
// index and its JSON name, is private.
func newPart(event reflect.Type, private func(i int, name string) bool) part {
	var p part
	var kept []reflect.StructField
	for i := range event.NumField() {
		f := event.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if private(i, name) {
			p.withheld = append(p.withheld, name)
			continue
		}
		p.fields, kept = append(p.fields, i), append(kept, f)
	}
	if len(p.withheld) > 0 {
		p.data = reflect.StructOf(kept)
	}
	return p
}

// of returns the part of an event, and the names of the fields that it leaves out. The caller must not change the names.
func (p part) of(e domain.Event) (data any, withheld []string) {
	if len(p.withheld) == 0 {
		return e, nil
	}
	all := reflect.ValueOf(e)
	kept := reflect.New(p.data).Elem()
	for i, field := range p.fields {
		kept.Field(i).Set(all.Field(field))
	}
	return kept.Interface(), p.withheld
}

// CursorLine is a line without an event. Its cursor is the position up to which the log was searched. End is set only
// in the last line, and Text only if a refusal or an error has ended the replay.
type CursorLine struct {
	Cursor string `json:"cursor" example:"4711.5f0c2a77" doc:"send it as the parameter after to continue here"`
	End    string `json:"end,omitempty" doc:"in the last line only: why the replay has ended"`
	Text   string `json:"text,omitempty" doc:"in the last line only: the text of a refusal or an error"`
}
