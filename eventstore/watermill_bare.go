package eventstore

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
)

var (
	//go:embed sql/select_bare_events.sql
	selectBareEvents string
	//go:embed sql/select_bare_live_events.sql
	selectBareLiveEvents string
)

// ReadRaw answers up to limit events of a room, or of all if live is 0, after a position up to another,
// as they stand in the log: without Event, and without Metadata, which no table is made of. It is for readers
// that decide themselves what becomes of an event that cannot be decoded; Decode makes them ready to use.
func (s *Store) ReadRaw(ctx context.Context, live domain.LiveID, after, upTo int64, limit int) ([]Record, error) {
	sql, args := selectBareEvents, []any{after, upTo, limit}
	if live != 0 {
		sql, args = selectBareLiveEvents, append(args, live)
	}
	rows, err := s.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read events after %d: %w", after, err)
	}
	found := make([]Record, 0, min(int64(limit), max(upTo-after, 0), maxBare))
	for rows.Next() {
		r, err := scanBare(rows)
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

// maxBare bounds what is set aside for events before it is known how many there are.
const maxBare = 10_000

// scanBare reads one row of the statements that leave metadata out, and what stands behind an event's columns.
func scanBare(rows pgx.Rows, behind ...any) (Record, error) {
	var r Record
	var live *int64
	payload := (*[]byte)(&r.Payload) // as a json.RawMessage it would be parsed only to be copied
	columns := append([]any{&r.Position, &r.Stream, &r.Version, &r.ID, &r.Type, payload, &live, &r.RecordedAt}, behind...)
	if err := rows.Scan(columns...); err != nil {
		return r, err
	}
	if live != nil {
		r.LiveID = domain.LiveID(*live)
	}
	r.RecordedAt = r.RecordedAt.UTC()
	return r, nil
}
