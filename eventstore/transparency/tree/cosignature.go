package tree

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/eventstore/transparency"
)

// Errors of AddCosignatures, in addition to transparency.ErrWitness and transparency.ErrSignature.
var (
	ErrOrigin      = errors.New("the checkpoint is of another tree")
	ErrUnknownSize = errors.New("the transparency log has no checkpoint of this size")
	ErrFork        = errors.New("the checkpoint has another root than the tree of this size, or the tree has lost tiles: the server has signed two histories")
)

// AddCosignatures stores the cosignatures of a signed checkpoint, and returns the checkpoint. The checkpoint must be one
// that a server has signed for the current tree, and one of the witnesses must have cosigned it. A cosignature of a
// smaller tree than the newest one of the same witness is accepted and not stored.
//
// A checkpoint with a valid signature that the tree does not contain proves that the history of the log has changed:
// AddCosignatures stores it in table tlog_fork, halts the tree, and fails with ErrFork or ErrUnknownSize.
func AddCosignatures(ctx context.Context, pool *pgxpool.Pool, logID string, witnesses *transparency.Witnesses, signed []byte) (transparency.Checkpoint, error) {
	given, err := transparency.ParseCheckpoint(signed)
	if err != nil {
		return given, fmt.Errorf("%w: %w", transparency.ErrSignature, err)
	}
	var s State
	var checkpoint transparency.Checkpoint
	var cosigned []transparency.Cosigned
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if s, err = readPrimary(ctx, tx); err != nil {
			return err
		}
		switch {
		case given.Origin != transparency.Origin(logID, s.Number):
			return fmt.Errorf("%w: %s, not %s", ErrOrigin, given.Origin, transparency.Origin(logID, s.Number))
		case s.Signed == nil:
			return fmt.Errorf("%w: nothing was signed yet", ErrUnknownSize)
		}
		known, err := transparency.ParseKeys(s.Keys)
		if err != nil {
			return err
		}
		if checkpoint, cosigned, err = witnesses.OpenCosigned(signed, known); err != nil {
			return err
		}
		if checkpoint.N > s.SignedSize {
			return fmt.Errorf("%w: %d events, the newest checkpoint covers %d", ErrUnknownSize, checkpoint.N, s.SignedSize)
		}
		edge, err := loadEdge(ctx, tx, checkpoint.N)
		if errors.Is(err, ErrNoTile) || err == nil && edge.Tree() != checkpoint.Tree {
			err = fmt.Errorf("%w: %s", ErrFork, checkpoint)
		}
		return err
	})
	if err != nil {
		if cosigned != nil && (errors.Is(err, ErrFork) || errors.Is(err, ErrUnknownSize)) {
			err = errors.Join(err, keepFork(ctx, pool, s, checkpoint, cosigned[0].Note))
		}
		return checkpoint, err
	}
	for _, c := range cosigned {
		if _, err := pool.Exec(ctx, insertCosignature, s.Number, c.Witness, checkpoint.N, string(c.Note), s.Keys); err != nil {
			return checkpoint, fmt.Errorf("store a cosignature: %w", err)
		}
	}
	return checkpoint, nil
}

// keepFork stores a checkpoint that contradicts the tree, and halts the tree.
func keepFork(ctx context.Context, pool *pgxpool.Pool, s State, c transparency.Checkpoint, signed []byte) error {
	reason := fmt.Sprintf("a witness has a signed checkpoint (%s), but the tree at this size has another root or has lost tiles: the history of the log has changed", c)
	if c.N > s.SignedSize {
		reason = fmt.Sprintf("a witness has a signed checkpoint that the database has lost (%s): the database has fallen back to an earlier state, or its tables were edited", c)
	}
	if _, err := pool.Exec(ctx, insertFork, s.Number, c.N, string(signed), s.Keys); err != nil {
		return fmt.Errorf("keep the evidence of a fork: %w", err)
	}
	if _, err := pool.Exec(ctx, haltTree, reason, s.Number); err != nil {
		return fmt.Errorf("record that the transparency log is halted: %w", err)
	}
	return nil
}

// cosignaturesTimeout bounds the time for reading cosignatures where the tree matters more: for its growth, and for its newest
// checkpoint.
const cosignaturesTimeout = 300 * time.Millisecond

// WitnessState is the newest cosigned checkpoint of one witness.
type WitnessState struct {
	Key  string // public key of the witness
	Size int64  // number of events that the checkpoint covers; 0 if the witness has cosigned none
	Note []byte // the checkpoint with its signatures; nil if there is none
}

// ReadWitnesses returns the state of each witness, in the order of their keys, and the position up to which events are
// anchored. number is the number of the tree.
func ReadWitnesses(ctx context.Context, db Querier, number int64, witnesses *transparency.Witnesses) (states []WitnessState, anchored int64, err error) {
	if witnesses == nil {
		return nil, 0, nil
	}
	rows, err := db.Query(ctx, selectNewestCosignatures, number, witnesses.Keys())
	if err != nil {
		return nil, 0, fmt.Errorf("read cosignatures: %w", err)
	}
	found := map[string]WitnessState{}
	var sizes []int64
	var one WitnessState
	var text string
	if _, err := pgx.ForEachRow(rows, []any{&one.Key, &one.Size, &text}, func() error {
		one.Note = []byte(text)
		found[one.Key] = one
		sizes = append(sizes, one.Size)
		return nil
	}); err != nil {
		return nil, 0, fmt.Errorf("read cosignatures: %w", err)
	}
	for _, key := range witnesses.Keys() {
		state := found[key]
		state.Key = key
		states = append(states, state)
	}
	return states, witnesses.Anchored(sizes), nil
}

// ReadCosigners returns the newest cosigned checkpoint of each witness that has cosigned the tree with the given
// number, without the notes. The result includes witnesses that no server knows any more.
func ReadCosigners(ctx context.Context, db Querier, number int64) ([]WitnessState, error) {
	rows, err := db.Query(ctx, selectWitnesses, number)
	if err != nil {
		return nil, fmt.Errorf("read cosignatures: %w", err)
	}
	states, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s WitnessState, err error) {
		err = row.Scan(&s.Key, &s.Size)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("read cosignatures: %w", err)
	}
	return states, nil
}
