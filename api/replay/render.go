package replay

import (
	"bytes"
	"fmt"

	"roomlog/eventstore"
)

// NewCloudEvent returns an event as a CloudEvent, in the same form as a replay. schemas and personal are those of RenderCloudEvent.
func NewCloudEvent(store *eventstore.Store, r eventstore.Record, schemas string, personal bool) CloudEvent {
	e := newEnvelope(store, Request{Envelope: CloudEvents, Schemas: schemas, Personal: personal})
	return e.cloudEvent(r, NewEventLine(r, personal))
}

// RenderCloudEvent returns an event as a CloudEvent, in the same form as a replay. schemas is the URL of the folder of the JSON
// Schemas; without it the CloudEvent names no schema. If personal is false, it leaves out private fields.
func RenderCloudEvent(store *eventstore.Store, r eventstore.Record, schemas string, personal bool) ([]byte, error) {
	var b bytes.Buffer
	if err := encode(&b, NewCloudEvent(store, r, schemas, personal)); err != nil {
		return nil, fmt.Errorf("encode the event at position %d: %w", r.Position, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// CloudEventType is the content type of a CloudEvent.
const CloudEventType = "application/cloudevents+json"
