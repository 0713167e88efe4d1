package eventstore

import (
	"github.com/google/uuid"

	"roomlog/domain"
)

// SnapshotChecksum returns the checksum of a row of table snapshot, when no event of the stream was set aside.
func SnapshotChecksum(key []byte, stream domain.Stream, version, format int, state []byte, event uuid.UUID) []byte {
	return snapshotRow{stream: stream, version: version, format: format, state: state, event: event}.sign(key, nil)
}
