package tree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"golang.org/x/mod/sumdb/tlog"

	"roomlog/eventstore/transparency"
)

// Querier executes queries. A connection, a pool and a transaction implement it.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// State is the state of the tree and of the log in one snapshot of the database.
type State struct {
	Number     int64  // number of the tree, a part of its origin
	Size       int64  // number of events that the tree contains
	Halted     string // why nothing is signed until an operator begins a new tree; "" if the tree is not halted
	Head       int64  // position of the newest event of the log
	SignedSize int64  // number of events that the newest checkpoint covers; 0 if there is none
	Signed     []byte // the newest signed checkpoint; nil if there is none
	Keys       string // public keys of the signatures of the newest checkpoint, newest first, separated by spaces

	eventID uuid.UUID // id of the event at position Size, according to the tree; zero if the tree is empty
	found   uuid.UUID // id of the event at position Size in the log; zero if there is none
	standby bool
	signed  int64 // number of events that the newest checkpoint covers, according to the tree
}

// Tables are the tables that ReadState and ReadWitnesses read, besides the log.
var Tables = []string{"tlog_tree", "tlog_checkpoint", "tlog_cosignature"}

// ReadState reads how far the tree is: its number, its size and its newest checkpoint.
func ReadState(ctx context.Context, db Querier) (State, error) {
	var s State
	var eventID, found *uuid.UUID
	var signed string
	err := db.QueryRow(ctx, selectState).Scan(&s.Number, &s.Size, &eventID, &s.Halted, &s.standby, &found, &s.Head, &s.signed, &s.SignedSize, &signed, &s.Keys)
	if err != nil {
		return s, fmt.Errorf("read the state of the transparency log: %w", err)
	}
	if eventID != nil {
		s.eventID = *eventID
	}
	if found != nil {
		s.found = *found
	}
	if signed != "" {
		s.Signed = []byte(signed)
	}
	return s, nil
}

// ErrNoTile means that the tree has no such tile.
var ErrNoTile = errors.New("the tree has no such tile")

// ReadTile returns the first width hashes of a tile. It fails with ErrNoTile if the tile has fewer.
func ReadTile(ctx context.Context, db Querier, level int, index int64, width int) ([]byte, error) {
	if level < 0 || level > math.MaxInt16 {
		return nil, ErrNoTile
	}
	var hashes []byte
	err := db.QueryRow(ctx, selectTile, level, index, width*tlog.HashSize).Scan(&hashes)
	switch {
	case errors.Is(err, pgx.ErrNoRows) || err == nil && len(hashes) < width*tlog.HashSize:
		return nil, ErrNoTile
	case err != nil:
		return nil, fmt.Errorf("read tile %d of level %d: %w", index, level, err)
	}
	return hashes, nil
}

// TileReader returns a reader of the tiles in db, for proofs.
func TileReader(ctx context.Context, db Querier) transparency.TileReader {
	return func(tiles []tlog.Tile) ([][]byte, error) {
		all := make([][]byte, len(tiles))
		for i, t := range tiles {
			var err error
			if all[i], err = ReadTile(ctx, db, t.L, t.N, t.W); err != nil {
				return nil, fmt.Errorf("read tile %s: %w", transparency.TilePath(t), err)
			}
		}
		return all, nil
	}
}

// loadEdge returns the edge of the tree at an earlier or the current size.
func loadEdge(ctx context.Context, db Querier, size int64) (*transparency.Edge, error) {
	return transparency.LoadEdge(size, func(level int, index int64, width int) ([]byte, error) { return ReadTile(ctx, db, level, index, width) })
}

// ReadEvents returns at most limit events with after < position ≤ upTo, in order.
func ReadEvents(ctx context.Context, db Querier, after, upTo int64, limit int) ([]transparency.Event, error) {
	var events []transparency.Event
	err := eachEvent(ctx, db, after, upTo, limit, func(e *transparency.Event) error {
		one := *e
		one.Payload, one.Metadata = bytes.Clone(e.Payload), bytes.Clone(e.Metadata)
		if e.LiveID != nil {
			live := *e.LiveID
			one.LiveID = &live
		}
		events = append(events, one)
		return nil
	})
	return events, err
}

// eachEvent calls do for at most limit events with after < position ≤ upTo, in order. The event is valid only during the
// call. do cannot use db.
func eachEvent(ctx context.Context, db Querier, after, upTo int64, limit int, do func(e *transparency.Event) error) error {
	rows, err := db.Query(ctx, selectEvents, after, upTo, limit)
	if err != nil {
		return fmt.Errorf("read events after %d: %w", after, err)
	}
	var e transparency.Event
	var live pgtype.Int8
	var at pgtype.Timestamptz
	payload, metadata := (*pgtype.DriverBytes)(&e.Payload), (*pgtype.DriverBytes)(&e.Metadata) // not copied
	var failed error
	_, err = pgx.ForEachRow(rows, []any{&e.Position, &e.Stream, &e.Version, &e.ID, &e.Type, payload, metadata, &live, &at}, func() error {
		e.LiveID = nil
		if live.Valid {
			e.LiveID = &live.Int64
		}
		e.RecordedAt = micros(at)
		failed = do(&e)
		return failed
	})
	if err != nil && failed == nil {
		return fmt.Errorf("read events after %d: %w", after, err)
	}
	return err
}

// micros returns a time in microseconds since 1970. The log has no infinite times; an edited one has the smallest or the
// largest number.
func micros(at pgtype.Timestamptz) int64 {
	switch at.InfinityModifier {
	case pgtype.Infinity:
		return math.MaxInt64
	case pgtype.NegativeInfinity:
		return math.MinInt64
	}
	return at.Time.UnixMicro()
}
