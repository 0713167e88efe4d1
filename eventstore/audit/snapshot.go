package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// version identifies a version of a stream.
type version struct {
	stream  domain.Stream
	version int
}

// snapshots contains the states in table snapshot, by version.
type snapshots map[version][]byte

// Querier is a connection, a pool or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// readSnapshots returns the rows of table snapshot that belong to the versions of the given events.
func readSnapshots(ctx context.Context, db Querier, events []eventstore.Record) (snapshots, error) {
	streams, versions := make([]string, len(events)), make([]int, len(events))
	for i, r := range events {
		streams[i], versions[i] = string(r.Stream), r.Version
	}
	rows, err := db.Query(ctx, selectSnapshots, streams, versions)
	if err != nil {
		return nil, fmt.Errorf("read snapshots: %w", err)
	}
	found := make(snapshots)
	var at version
	var format int
	var state []byte
	_, err = pgx.ForEachRow(rows, []any{&at.stream, &at.version, &format, &state}, func() error {
		if spec, ok := domain.StateSpecOf(at.stream); ok && spec.Format == format { // readers ignore snapshots of other formats
			found[at] = bytes.Clone(state)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read snapshots: %w", err)
	}
	return found, nil
}

// check compares the state after an event with the snapshot for this version, if there is one.
func (s snapshots) check(r eventstore.Record, after entry, faults *Faults) {
	stored, ok := s[version{r.Stream, r.Version}]
	if !ok || after.unknown {
		return
	}
	if want, err := json.Marshal(after.state); err != nil || !bytes.Equal(want, stored) {
		faults.Add(Fault{Table: "snapshot", Text: fmt.Sprintf("version %d of %s is not the state that its events lead to: delete the row", r.Version, r.Stream)})
	}
}
