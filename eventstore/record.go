package eventstore

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"roomlog/domain"
)

// Record is one event as it stands in the log.
type Record struct {
	Position   int64
	Stream     domain.Stream
	Version    int
	ID         uuid.UUID
	Type       string          // as written; an older version than the event's type, perhaps
	Payload    json.RawMessage // as written: people's texts are sealed
	Metadata   Metadata
	LiveID     domain.LiveID // 0: not in a room
	RecordedAt time.Time
	Event      domain.Event // what the program works with: the present version, texts opened or Erased
	Fault      error        // why there is no Event: this program cannot read it
}

// Metadata says where an event came from.
type Metadata struct {
	Actor       string `json:"actor"`
	Key         string `json:"key,omitempty"`
	Correlation string `json:"correlation,omitempty"`
	Causation   string `json:"causation,omitempty"`
}

// scanRecorded reads one row of the select_*_events statements, its Event still empty.
func scanRecorded(row pgx.CollectableRow) (Record, error) {
	var r Record
	var metadata []byte
	var live *int64
	payload := (*[]byte)(&r.Payload) // as a json.RawMessage it would be parsed only to be copied
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
