package eventstore

import (
	"github.com/google/uuid"

	"roomlog/domain"
)

// SnapshotChecksum returns the checksum of a row of table snapshot, for a stream of which no event was set aside.
func SnapshotChecksum(key []byte, stream domain.Stream, version, format int, state []byte, event uuid.UUID) []byte {
	return snapshotRow{stream: stream, version: version, format: format, state: state, event: event}.sign(key, nil)
}

// SkipHistoryCheck makes q read the head of the log without checking that the log contains the newest event that the
// process knows. This is safe only while no other process appends. Call it before Run.
func SkipHistoryCheck(q *Sequencer) {
	q.head = "SELECT clock_timestamp(), false, position, event_id, recorded_at, event_id FROM events WHERE $1 >= 0::bigint ORDER BY position DESC LIMIT 1"
}
