package eventstore

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"roomlog/domain"
)

// Record is one event as stored in the log.
type Record struct {
	Position   int64
	Stream     domain.Stream
	Version    int
	ID         uuid.UUID
	Type       string          // as written: it may be an older version than the type of Event
	Payload    json.RawMessage // as written: personal texts are sealed
	Metadata   Metadata
	LiveID     domain.LiveID // 0: the event belongs to no live
	RecordedAt time.Time
	Event      domain.Event // the decoded event: the current version, with texts in clear or ErasedText
	Fault      error        // why this program cannot decode the event; then Event is nil
}

// Metadata describes the origin of an event.
type Metadata struct {
	Actor       string `json:"actor"`
	Key         string `json:"key,omitempty"` // the idempotency key
	Correlation string `json:"correlation,omitempty"`
	Causation   string `json:"causation,omitempty"`

	// ClockSetBack marks an event whose RecordedAt may be earlier than that of the event before it, because that one was far
	// ahead of the clock of the database. Without it, RecordedAt does not decrease from one position to the next.
	ClockSetBack bool `json:"clock_set_back,omitempty"`
}

// scanRecord reads one row of the select_*_events statements. It leaves Event empty.
func scanRecord(row pgx.CollectableRow) (Record, error) {
	var r Record
	var metadata []byte
	var live *int64
	payload := (*[]byte)(&r.Payload) // pgx would parse a json.RawMessage, only to copy it
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
