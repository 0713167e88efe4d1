package eventstore

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/internal/tracing"
)

// Record is one event as stored in the log.
type Record struct {
	Position   int64
	Stream     domain.Stream
	Version    int
	ID         uuid.UUID
	Type       string          // type as stored, which may be an older version than the type of Event
	Payload    json.RawMessage // payload as stored, with personal texts sealed
	Metadata   Metadata
	LiveID     domain.LiveID // the live of the event; 0 if the event belongs to no live
	RecordedAt time.Time
	Event      domain.Event // the decoded event in its current version, with personal texts decrypted or replaced by ErasedText
	Fault      error        // why this program cannot decode the event; Event is then nil
	Own        bool         // whether a Sequencer of this Store has decided the event; only Follow, FollowFrom and Recent set it
}

// Traced returns the part of r that traces contain.
func (r *Record) Traced() tracing.Event {
	return tracing.Event{ID: r.ID, Type: r.Type, Position: r.Position, Live: int64(r.LiveID)}
}

// Metadata describes the origin of an event.
type Metadata struct {
	Actor       string `json:"actor"`
	Key         string `json:"key,omitempty"` // idempotency key of the request
	Correlation string `json:"correlation,omitempty"`
	Causation   string `json:"causation,omitempty"`

	// ClockSetBack marks an event whose RecordedAt may be earlier than that of the previous event, because the previous
	// event was far ahead of the database's clock. Otherwise RecordedAt never decreases from one position to the next.
	ClockSetBack bool `json:"clock_set_back,omitempty"`
}

// scanRecord reads one row of a select_*_events statement. It leaves Event empty.
func scanRecord(row pgx.CollectableRow) (Record, error) {
	var r Record
	var metadata []byte
	var live *int64
	payload := (*[]byte)(&r.Payload) // avoids that pgx parses a json.RawMessage only to copy it
	err := row.Scan(&r.Position, &r.Stream, &r.Version, &r.ID, &r.Type, payload, &metadata, &live, &r.RecordedAt)
	if err != nil {
		return r, err
	}
	if live != nil {
		r.LiveID = domain.LiveID(*live)
	}
	r.RecordedAt = r.RecordedAt.UTC()
	if err := json.Unmarshal(metadata, &r.Metadata); err != nil {
		return r, fmt.Errorf("metadata of position %d: %w", r.Position, err)
	}
	return r, nil
}
