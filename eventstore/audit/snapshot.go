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

// readSnapshots reads the rows of table snapshot for the versions of events.
func (a *Auditor) readSnapshots(ctx context.Context, db Querier, events []eventstore.Record) error {
	streams, versions := make([]string, len(events)), make([]int, len(events))
	for i, r := range events {
		streams[i], versions[i] = string(r.Stream), r.Version
	}
	rows, err := db.Query(ctx, selectSnapshots, streams, versions)
	if err != nil {
		return fmt.Errorf("read snapshots: %w", err)
	}
	a.snapshots = make(map[version][]byte)
	var at version
	var format int
	var state []byte
	_, err = pgx.ForEachRow(rows, []any{&at.stream, &at.version, &format, &state}, func() error {
		if spec, ok := domain.StateSpecOf(at.stream); ok && spec.Format == format { // others are ignored by all readers
			a.snapshots[at] = bytes.Clone(state)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read snapshots: %w", err)
	}
	return nil
}

// checkSnapshot compares the row of table snapshot after an event, if there is one, with the state.
func (a *Auditor) checkSnapshot(r eventstore.Record, after entry) {
	stored, ok := a.snapshots[version{r.Stream, r.Version}]
	if !ok || after.unknown {
		return
	}
	if want, err := json.Marshal(after.state); err != nil || !bytes.Equal(want, stored) {
		a.faults.Add(Fault{Table: "snapshot", Text: fmt.Sprintf("version %d of %s is not the state that its events lead to: delete the row", r.Version, r.Stream)})
	}
}
