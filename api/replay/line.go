package replay

import (
	"encoding/json"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
)

// EventLine is the line of one event. Data is the payload in the newest version of the event type. Texts of users are
// readable, or "erased" if the user was forgotten.
type EventLine struct {
	Cursor     string        `json:"cursor" doc:"for the parameter after"`
	Position   int64         `json:"position"`
	Stream     domain.Stream `json:"stream"`
	Version    int           `json:"version" doc:"of the stream"`
	EventID    string        `json:"event_id"`
	Type       string        `json:"type" example:"gift.sent.v1"`
	Data       domain.Event  `json:"data" doc:"null for an event that this version of the server cannot read"`
	Actor      string        `json:"actor" example:"user-12"`
	Live       domain.LiveID `json:"live,omitempty"`
	RecordedAt time.Time     `json:"recorded_at"`

	Undecodable string          `json:"undecodable,omitempty" doc:"why there is no data; type and payload are as stored"`
	Payload     json.RawMessage `json:"payload,omitempty" doc:"stored payload of an event that this version of the server cannot read; its texts are encrypted"`
}

func newEventLine(r eventstore.Record) EventLine {
	line := EventLine{
		Cursor: eventstore.CursorOf(r), Position: r.Position, Stream: r.Stream, Version: r.Version, EventID: r.ID.String(),
		Type: r.Type, Data: r.Event, Actor: r.Metadata.Actor, Live: r.LiveID, RecordedAt: r.RecordedAt,
	}
	if r.Fault != nil {
		line.Undecodable, line.Payload = r.Fault.Error(), r.Payload
	} else {
		line.Type = r.Event.Type()
	}
	return line
}

// cursorLine is a line without an event. Its cursor is the position up to which the log was searched. End is set only
// in the last line, and Text only if a refusal or an error has ended the replay.
type cursorLine struct {
	Cursor string `json:"cursor"`
	End    string `json:"end,omitempty"`
	Text   string `json:"text,omitempty"`
}
