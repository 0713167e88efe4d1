package feed

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/google/uuid"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

// messageFormat is the version of the format of messages. A feed ignores messages of other versions, and reads the log instead.
const messageFormat = 2

// program returns a fingerprint of what the relay and a feed must have in common: the events with their fields, the table of deltas
// and the message. A relay leaves out the events and the fields that it does not know.
var program = sync.OnceValue(func() string {
	return fingerprint(domain.Events, projections.DeltaSpecs(), reflect.TypeFor[envelope]())
})

// An envelope is a message: a batch on its way from the relay to the feeds of all processes. It contains personal texts in clear.
type envelope struct {
	Format  int    `json:"format"`
	Program string `json:"program"` // fingerprint of the program, see program
	Number  int64  `json:"number"`  // number of the message among those of the relay, from 1 on

	After      int64     `json:"after"` // the message covers the events with after < position ≤ checkpoint
	AfterID    uuid.UUID `json:"after_id"`
	Checkpoint int64     `json:"checkpoint"`
	ID         uuid.UUID `json:"id"` // id of the event at checkpoint

	Tables int64                `json:"tables"`         // position of the tables
	Held   bool                 `json:"held,omitempty"` // whether the tables may contain held or poison coin events
	Events []sentEvent          `json:"events,omitempty"`
	Gauges []projections.Gauges `json:"gauges,omitempty"`
}

// sentEvent is an event with what its deltas need from the tables.
type sentEvent struct {
	Position int64                `json:"position"`
	ID       uuid.UUID            `json:"id"`
	Type     string               `json:"type"`
	Data     json.RawMessage      `json:"data"` // the event with its texts in clear
	At       time.Time            `json:"at"`
	Profile  *projections.Profile `json:"profile,omitempty"`
	Lives    []domain.LiveID      `json:"lives,omitempty"` // lives of the user, for a delta that belongs to all of them
}

// sentEvents returns the events of deltas, each once. The deltas of one event must follow each other.
func sentEvents(deltas []projections.Delta) ([]sentEvent, error) {
	var events []sentEvent
	for _, d := range deltas {
		n := len(events) - 1
		if n < 0 || events[n].Position != d.Position {
			data, err := json.Marshal(d.Event)
			if err != nil {
				return nil, fmt.Errorf("encode the event at position %d: %w", d.Position, err)
			}
			events = append(events, sentEvent{Position: d.Position, ID: d.EventID, Type: d.Event.Type(), Data: data, At: d.RecordedAt})
			n++
		}
		if d.NeedsProfile() {
			events[n].Profile = &d.Profile
		}
		if d.LivesOfUser() {
			events[n].Lives = append(events[n].Lives, d.Live)
		}
	}
	return events, nil
}

// A part is one of the messages of a batch, encoded without its head.
type part struct {
	end    point // event with which the part ends
	events []json.RawMessage
	lost   bool // whether an event did not fit; feeds read the part from the log
}

// split divides the events of a batch up to end into parts whose events have at most limit bytes.
func split(events []sentEvent, end point, limit int) ([]part, error) {
	var parts []part
	var now part
	size := 0
	for _, e := range events {
		encoded, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("encode the event at position %d: %w", e.Position, err)
		}
		if size+len(encoded) > limit && len(now.events) > 0 {
			parts, now, size = append(parts, now), part{}, 0
		}
		now.end = point{e.Position, e.ID}
		if len(encoded) > limit {
			now.lost, now.events = true, nil
			parts, now, size = append(parts, now), part{}, 0
			continue
		}
		now.events = append(now.events, encoded)
		size += len(encoded) + 1
	}
	if len(parts) == 0 || len(now.events) > 0 || parts[len(parts)-1].end != end {
		now.end = end
		parts = append(parts, now)
	}
	return parts, nil
}

// encodePart returns the message of a part; head contains the other fields.
func encodePart(head envelope, p part) ([]byte, error) {
	head.Checkpoint, head.ID = p.end.position, p.end.id
	type encoded struct {
		envelope
		Events []json.RawMessage `json:"events,omitempty"`
	}
	return json.Marshal(encoded{head, p.events})
}

var (
	errFormat  = errors.New("the relay sends another format of messages")
	errProgram = errors.New("the relay has other events or deltas than this program")
)

// decodeMessage returns the message in data, after it has checked the format, the program and the order of the positions.
func decodeMessage(data []byte) (envelope, error) {
	var m envelope
	err := json.Unmarshal(data, &m)
	if m.Format != messageFormat { // also if other members have another type now
		var format struct{ Format int }
		if err := json.Unmarshal(data, &format); err != nil {
			return envelope{}, fmt.Errorf("decode a message: %w", err)
		}
		if format.Format != messageFormat {
			return envelope{}, fmt.Errorf("%w: %d instead of %d", errFormat, format.Format, messageFormat)
		}
	}
	if m.Program != program() {
		return envelope{}, fmt.Errorf("%w: %.16q instead of %q", errProgram, m.Program, program())
	}
	if err != nil {
		return envelope{}, fmt.Errorf("decode a message: %w", err)
	}
	at := m.After
	for _, e := range m.Events {
		if e.Position <= at {
			return envelope{}, fmt.Errorf("decode a message: position %d follows %d", e.Position, at)
		}
		at = e.Position
	}
	if m.Checkpoint < at || m.After < 0 {
		return envelope{}, fmt.Errorf("decode a message: it ends at %d and contains %d", m.Checkpoint, at)
	}
	return m, nil
}

// has reports whether the message contains the event p, or follows it.
func (m *envelope) has(p point) bool {
	if m.After == p.position {
		return m.AfterID == p.id && p.id != uuid.Nil || p.position == 0
	}
	for _, e := range m.Events {
		if e.Position == p.position {
			return e.ID == p.id
		}
	}
	return false
}

// deltas returns the deltas of the events after a position. skip is called with each event that this program cannot decode.
func (m *envelope) deltas(store *eventstore.Store, after int64, skip func(position int64, err error)) (deltas []projections.Delta) {
	for _, e := range m.Events {
		if e.Position <= after {
			continue
		}
		event, err := store.DecodePlain(e.Type, e.Data)
		if err != nil {
			skip(e.Position, err)
			continue
		}
		for _, d := range projections.DeltasOf(eventstore.Record{Position: e.Position, ID: e.ID, Type: e.Type, Event: event, RecordedAt: e.At.UTC()}) {
			if d.NeedsProfile() && e.Profile != nil {
				d.Profile = *e.Profile
			}
			if !d.LivesOfUser() {
				deltas = append(deltas, d)
				continue
			}
			for _, d.Live = range e.Lives {
				deltas = append(deltas, d)
			}
		}
	}
	return deltas
}
