package replay

import (
	"fmt"
	"strings"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
)

// CloudEvent is an event in the JSON format of CloudEvents 1.0.2, with the documented extensions sequence and
// partitionkey, and with extensions of roomlog.
type CloudEvent struct {
	SpecVersion     string        `json:"specversion" enum:"1.0"`
	ID              string        `json:"id" example:"0192f0c1-7a3b-7c55-9d3e-0a1b2c3d4e5f" doc:"id of the event"`
	Source          string        `json:"source" example:"urn:uuid:06b839e6-72c1-4b88-a4d7-341db472350d" doc:"id of the log"`
	Type            string        `json:"type" example:"gift.sent.v2" doc:"event type; roomlog.cursor.v1 for a line without an event, which has a cursor line as its data"`
	Subject         domain.Stream `json:"subject,omitempty" example:"wallet-12" doc:"stream of the event"`
	Time            *time.Time    `json:"time,omitempty" doc:"when the event was recorded"`
	DataContentType string        `json:"datacontenttype,omitempty" enum:"application/json"`
	DataSchema      string        `json:"dataschema,omitempty" format:"uri" example:"https://example.org/schemas/gift.sent.v2.json" doc:"JSON Schema of data"`
	Sequence        string        `json:"sequence,omitempty" example:"0000000000000004711" doc:"position with leading zeros"`
	PartitionKey    domain.Stream `json:"partitionkey,omitempty" example:"wallet-12" doc:"stream of the event"`
	Cursor          string        `json:"cursor" example:"4711.5f0c2a77" doc:"send it as the parameter after to continue here"`
	StreamVersion   int           `json:"streamversion,omitempty" doc:"version of the stream"`
	Actor           string        `json:"actor,omitempty" example:"user-12"`
	Live            string        `json:"live,omitempty" example:"6" doc:"id of the live"`
	Withheld        string        `json:"withheld,omitempty" example:"text" doc:"private fields that are left out, with commas"`
	Undecodable     string        `json:"undecodable,omitempty" example:"unknown event type" doc:"only for an event that this version of the server cannot decode: why data is absent, or contains the payload as stored"`
	Data            any           `json:"data,omitempty" doc:"payload of the event"`
}

// cursorType is the type of a CloudEvent that is not an event of the log.
const cursorType = "roomlog.cursor.v1"

const jsonType = "application/json"

// envelope converts events into the form that a request selects.
type envelope struct {
	kind     Envelope
	source   string // attribute source of CloudEvents
	schemas  string
	personal bool
}

func newEnvelope(store *eventstore.Store, request Request) envelope {
	return envelope{request.Envelope, "urn:uuid:" + store.ID(), request.Schemas, request.Personal}
}

// event returns the line of an event.
func (e envelope) event(r eventstore.Record) any {
	line := NewEventLine(r, e.personal)
	if e.kind != CloudEvents {
		return line
	}
	return e.cloudEvent(r, line)
}

// cloudEvent returns an event and its line as a CloudEvent.
func (e envelope) cloudEvent(r eventstore.Record, line EventLine) CloudEvent {
	c := CloudEvent{
		SpecVersion: "1.0", ID: line.EventID, Source: e.source, Type: line.Type, Subject: line.Stream, Time: &line.RecordedAt,
		Sequence: fmt.Sprintf("%019d", line.Position), PartitionKey: line.Stream, Cursor: line.Cursor, StreamVersion: line.Version, Actor: line.Actor,
		Withheld: strings.Join(line.Withheld, ","), Undecodable: line.Undecodable,
	}
	if line.Live != 0 {
		c.Live = fmt.Sprint(line.Live)
	}
	switch {
	case r.Fault == nil:
		c.Data, c.DataContentType = line.Data, jsonType
		if e.schemas != "" {
			c.DataSchema = e.schemas + line.Type + ".json"
		}
	case line.Payload != nil:
		c.Data, c.DataContentType = line.Payload, jsonType
	}
	return c
}

// cursor puts a line that has only a cursor into the envelope.
func (e envelope) cursor(line CursorLine) any {
	if e.kind != CloudEvents {
		return line
	}
	return CloudEvent{
		SpecVersion: "1.0", ID: "cursor-" + line.Cursor + line.End, Source: e.source, Type: cursorType, Cursor: line.Cursor,
		DataContentType: jsonType, Data: line,
	}
}
