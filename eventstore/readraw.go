package eventstore

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
)

// maxReadAhead bounds the memory that is allocated for events before their number is known.
const maxReadAhead = 10_000

// ReadRaw returns up to limit events after a position and up to another, in order, of one live or of all if live is 0.
// The records have neither Event nor Metadata. Decode fills in Event. ReadRaw is for readers that decide themselves what
// to do with events that cannot be decoded.
func (s *Store) ReadRaw(ctx context.Context, live domain.LiveID, after, upTo int64, limit int) ([]Record, error) {
	sql, args := selectRawEvents, []any{after, upTo, limit}
	if live != 0 {
		sql, args = selectRawLiveEvents, append(args, live)
	}
	rows, err := s.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read events after %d: %w", after, err)
	}
	found := make([]Record, 0, min(int64(limit), max(upTo-after, 0), maxReadAhead))
	for rows.Next() {
		r, err := ScanRaw(rows)
		if err != nil {
			rows.Close()
			return nil, fmt.Errorf("read events after %d: %w", after, err)
		}
		found = append(found, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read events after %d: %w", after, err)
	}
	return found, nil
}

// ScanRaw reads the columns position, stream, version, event_id, type, payload, live_id and recorded_at of a row into a
// record, and the columns that follow into more.
func ScanRaw(rows pgx.Rows, more ...any) (Record, error) {
	var r Record
	var live *int64
	payload := (*[]byte)(&r.Payload) // a json.RawMessage would be parsed only to be copied
	columns := append([]any{&r.Position, &r.Stream, &r.Version, &r.ID, &r.Type, payload, &live, &r.RecordedAt}, more...)
	if err := rows.Scan(columns...); err != nil {
		return r, err
	}
	if live != nil {
		r.LiveID = domain.LiveID(*live)
	}
	r.RecordedAt = r.RecordedAt.UTC()
	return r, nil
}
