package tree

import (
	"context"
	"errors"

	"roomlog/eventstore/transparency"
)

// ReadPublic returns the newest signed checkpoint, with its cosignatures, for readers outside the cluster. It returns
// nil if there is none. witnesses may be nil. If the cosignatures cannot be read soon, the checkpoint is returned
// without them, because a witness needs it to add one; the follower logs the cause. ReadPublic fails with
// eventstore.ErrUnavailable if the database is a standby.
func ReadPublic(ctx context.Context, db Querier, witnesses *transparency.Witnesses) ([]byte, error) {
	s, err := readPrimary(ctx, db)
	if err != nil || witnesses == nil || s.Signed == nil {
		return s.Signed, err
	}
	reading, cancel := context.WithTimeout(ctx, cosignaturesTimeout)
	defer cancel()
	states, _, err := ReadWitnesses(reading, db, s.Number, witnesses)
	if err != nil {
		return s.Signed, nil // readers need the checkpoint more than the cosignatures
	}
	newest, err := transparency.ParseCheckpoint(s.Signed)
	if err != nil {
		return nil, err
	}
	var notes [][]byte
	for _, w := range states {
		if c, err := transparency.ParseCheckpoint(w.Note); err == nil && c == newest {
			notes = append(notes, w.Note)
		}
	}
	return witnesses.Lines(s.Signed, notes), nil
}

// ReadPublicWitnesses returns what ReadWitnesses returns for the current tree. It fails like ReadPublic.
func ReadPublicWitnesses(ctx context.Context, db Querier, witnesses *transparency.Witnesses) (states []WitnessState, anchored int64, err error) {
	s, err := readPrimary(ctx, db)
	if err != nil {
		return nil, 0, err
	}
	return ReadWitnesses(ctx, db, s.Number, witnesses)
}

// ReadPublicTile returns the same as ReadTile, for readers outside the cluster. If the database is a standby, it fails
// with eventstore.ErrUnavailable instead of ErrNoTile.
func ReadPublicTile(ctx context.Context, db Querier, level int, index int64, width int) ([]byte, error) {
	hashes, err := ReadTile(ctx, db, level, index, width)
	if errors.Is(err, ErrNoTile) {
		if _, standby := readPrimary(ctx, db); standby != nil {
			return nil, standby
		}
	}
	return hashes, err
}
