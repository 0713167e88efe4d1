package tree

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"roomlog/eventstore/transparency"
)

const (
	verifyPage = 1000 // number of events of one read
	maxPlaces  = 100  // maximum number of tiles and of checkpoints that are reported
	unknown    = -1   // stands for a column that an older roomlog has not written
)

// Kept is a signed checkpoint that somebody has kept outside the database.
type Kept struct {
	Name string // name of the file, for messages
	transparency.Checkpoint
}

// Fault describes one difference between the log, the tree and the checkpoints.
type Fault struct {
	Position int64  // position of the event; 0 if the fault is in a table
	Table    string // name of the table, if the fault is not in an event
	Text     string
}

// Verify compares every event with the tree, every tile with the tiles below it, and every signed checkpoint with the
// root of the tree at its size. It includes the checkpoints that witnesses have cosigned and those that the caller has
// kept, and it reports the evidence of forks. It calls report for each fault. Of the events that differ, it reports the
// first one and the number of the others. db must be a transaction with one snapshot.
func Verify(ctx context.Context, db Querier, logID string, kept []Kept, report func(Fault)) error {
	s, err := ReadState(ctx, db)
	if errors.Is(err, pgx.ErrNoRows) {
		report(Fault{Table: "tlog_tree", Text: "the row is missing"})
		return nil
	}
	if err != nil {
		return err
	}
	v := &verifier{db: db, report: report, state: s, edge: &transparency.Edge{}, roots: map[int64][]signedRoot{}}
	if s.Halted != "" {
		v.inTable("tlog_tree", "the transparency log is halted: %s", s.Halted)
	}
	if s.eventID != s.found {
		v.inTable("tlog_tree", "the tree ends with event %s at position %d, where the log has event %s", s.eventID, s.Size, s.found)
	}
	if err := v.readCheckpoints(ctx, logID); err != nil {
		return err
	}
	if err := v.readCosignatures(ctx, logID); err != nil {
		return err
	}
	if err := v.readForks(ctx); err != nil {
		return err
	}
	v.addKept(logID, kept)
	if err := v.walk(ctx); err != nil {
		return err
	}
	return v.finish(ctx)
}

// signedRoot is the root of a checkpoint that was signed.
type signedRoot struct {
	name string
	root tlog.Hash
}

// verifier builds the tree again, from the hashes of the leaves that the tiles contain.
type verifier struct {
	db       Querier
	report   func(Fault)
	state    State
	edge     *transparency.Edge
	roots    map[int64][]signedRoot // size → the roots that were signed for it
	verified int64                  // largest size whose signed roots were all found in the tree

	leaves  []byte // stored hashes of the leaves of one tile
	at      int64  // index of the tile of leaves
	first   Fault  // the first event that differs
	differ  int    // number of events that differ
	reports int    // number of reports about tables
}

func (v *verifier) inTable(table, format string, args ...any) {
	if v.reports++; v.reports <= maxPlaces {
		v.report(Fault{Table: table, Text: fmt.Sprintf(format, args...)})
	}
}

// event records that an event differs.
func (v *verifier) event(position int64, format string, args ...any) {
	if v.differ++; v.differ == 1 {
		v.first = Fault{Position: position, Text: fmt.Sprintf(format, args...)}
	}
}

// readCheckpoints checks the signatures of all checkpoints in the database, and collects the roots of the current tree.
func (v *verifier) readCheckpoints(ctx context.Context, logID string) error {
	rows, err := v.db.Query(ctx, selectCheckpoints)
	if err != nil {
		return fmt.Errorf("read the checkpoints of the transparency log: %w", err)
	}
	var number, size, previous, newest int64
	exact := true // whether tlog_tree.signed is the size of the newest checkpoint; an older roomlog does not update it
	var signed, keys string
	current, others, before := 0, 0, int64(0)
	_, err = pgx.ForEachRow(rows, []any{&number, &size, &signed, &keys, &previous}, func() error {
		if number == v.state.Number {
			current++
		} else {
			others++
		}
		name := fmt.Sprintf("row number %d, size %d", number, size)
		if previous != unknown && previous != before {
			v.inTable("tlog_checkpoint", "%s: the checkpoint before it has the size %d, expected %d: rows are missing, or the row was edited", name, before, previous)
		}
		if before = size; number == v.state.Number {
			newest, exact = size, previous != unknown
		}
		known, err := transparency.ParseKeys(keys)
		if err != nil {
			v.inTable("tlog_checkpoint", "%s: %v", name, err)
			return nil
		}
		c, err := transparency.OpenCheckpoint([]byte(signed), known)
		switch {
		case err != nil:
			v.inTable("tlog_checkpoint", "%s: %v", name, err)
		case c.Origin != transparency.Origin(logID, number) || c.N != size:
			v.inTable("tlog_checkpoint", "%s: the signed checkpoint is of %s", name, c)
		case number > v.state.Number && v.state.Halted == "": // a follower that halts the tree stores what it remembers of a later one
			v.inTable("tlog_checkpoint", "%s: the tree has number %d", name, v.state.Number)
		case number == v.state.Number:
			v.expectRoot("table tlog_checkpoint, "+name, c)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the checkpoints of the transparency log: %w", err)
	}
	if newest < v.state.signed || exact && newest != v.state.signed {
		v.inTable("tlog_tree", "signed is %d, but the newest row of table tlog_checkpoint has the size %d: rows of that table are missing, or this row was edited", v.state.signed, newest)
	}
	if current == 0 && others > 0 && v.state.Size > 0 {
		v.inTable("tlog_tree", "tree %d has no signed checkpoint, other trees have", v.state.Number)
	}
	return nil
}

// readCosignatures checks the signatures of all cosigned checkpoints in the database, and collects the roots of the current
// tree.
func (v *verifier) readCosignatures(ctx context.Context, logID string) error {
	rows, err := v.db.Query(ctx, selectCosignatures)
	if err != nil {
		return fmt.Errorf("read the cosignatures of the transparency log: %w", err)
	}
	var number, size int64
	var witness, signed, keys string
	_, err = pgx.ForEachRow(rows, []any{&number, &witness, &size, &signed, &keys}, func() error {
		name := fmt.Sprintf("row number %d, witness %s, size %d", number, witness, size)
		c, err := openCosigned(witness, signed, keys)
		switch {
		case err != nil:
			v.inTable("tlog_cosignature", "%s: %v", name, err)
		case c.Origin != transparency.Origin(logID, number) || c.N != size:
			v.inTable("tlog_cosignature", "%s: the signed checkpoint is of %s", name, c)
		case number > v.state.Number:
			v.inTable("tlog_cosignature", "%s: the tree has number %d", name, v.state.Number)
		case number == v.state.Number:
			v.expectRoot("table tlog_cosignature, "+name, c)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the cosignatures of the transparency log: %w", err)
	}
	return nil
}

func openCosigned(witness, signed, keys string) (c transparency.Checkpoint, err error) {
	settings := transparency.WitnessSettings{Witnesses: []string{witness}, Cosignatures: 1}
	witnesses, err := settings.Open()
	if err != nil {
		return c, err
	}
	known, err := transparency.ParseKeys(keys)
	if err != nil {
		return c, err
	}
	c, _, err = witnesses.OpenCosigned([]byte(signed), known)
	return c, err
}

// readForks reports the checkpoints that contradict the tree.
func (v *verifier) readForks(ctx context.Context) error {
	rows, err := v.db.Query(ctx, selectForks)
	if err != nil {
		return fmt.Errorf("read the evidence of forks: %w", err)
	}
	var number, size int64
	var signed string
	_, err = pgx.ForEachRow(rows, []any{&number, &size, &signed}, func() error {
		if number == v.state.Number {
			v.inTable("tlog_fork", "row number %d, size %d: a server has signed a checkpoint that the tree does not contain: the history of the log has changed", number, size)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the evidence of forks: %w", err)
	}
	return nil
}

// addKept collects the checkpoints that the caller has kept.
func (v *verifier) addKept(logID string, kept []Kept) {
	for _, k := range kept {
		if want := transparency.Origin(logID, v.state.Number); k.Origin != want {
			v.inTable("tlog_tree", "the kept checkpoint %s is of %s, the tree is %s", k.Name, k.Origin, want)
			continue
		}
		v.expectRoot("kept checkpoint "+k.Name, k.Checkpoint)
	}
}

func (v *verifier) expectRoot(name string, c transparency.Checkpoint) {
	if c.N > v.state.Size {
		v.inTable("tlog_tree", "%s covers %d events, the tree has %d", name, c.N, v.state.Size)
		return
	}
	v.roots[c.N] = append(v.roots[c.N], signedRoot{name, c.Hash})
}

// walk compares all events with the leaves of the tree.
func (v *verifier) walk(ctx context.Context) error {
	v.compareRoots()
	for v.edge.Size() < v.state.Size {
		events, err := ReadEvents(ctx, v.db, v.edge.Size(), v.state.Size, verifyPage)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			return v.skipTo(ctx, v.state.Size+1)
		}
		for i := range events {
			if err := v.skipTo(ctx, events[i].Position); err != nil {
				return err
			}
			if err := v.compare(ctx, events[i].Position, events[i].Hash()); err != nil {
				return err
			}
		}
	}
	return nil
}

// skipTo appends the leaves before position for which the log has no events.
func (v *verifier) skipTo(ctx context.Context, position int64) error {
	for v.edge.Size()+1 < position {
		missing := v.edge.Size() + 1
		v.event(missing, "the transparency log contains this event, the log does not")
		leaf, _, err := v.leaf(ctx, missing)
		if err != nil {
			return err
		}
		if err := v.append(ctx, leaf); err != nil {
			return err
		}
	}
	return nil
}

// compare compares an event with its leaf.
func (v *verifier) compare(ctx context.Context, position int64, hash tlog.Hash) error {
	stored, found, err := v.leaf(ctx, position)
	if err != nil {
		return err
	}
	switch {
	case !found:
		stored = hash // the missing tile is reported
	case stored != hash:
		v.event(position, "the event is not the one in the transparency log: a column of it has changed after it was recorded there")
	}
	return v.append(ctx, stored)
}

// leaf returns the stored hash of a leaf, and reports whether its tile contains it.
func (v *verifier) leaf(ctx context.Context, position int64) (h tlog.Hash, found bool, err error) {
	index := position - 1
	if tile := index / transparency.TileWidth; v.leaves == nil || tile != v.at {
		v.at = tile
		if v.leaves, err = v.tile(ctx, transparency.Tile{Index: tile}); err != nil {
			return h, false, err
		}
	}
	offset := int(index%transparency.TileWidth) * tlog.HashSize
	if offset+tlog.HashSize > len(v.leaves) {
		return h, false, nil
	}
	return tlog.Hash(v.leaves[offset:][:tlog.HashSize]), true, nil
}

// tile returns the stored hashes of a tile, and reports a tile that is missing or does not have the expected number of
// hashes.
func (v *verifier) tile(ctx context.Context, t transparency.Tile) ([]byte, error) {
	var hashes []byte
	err := v.db.QueryRow(ctx, selectTile, t.Level, t.Index, transparency.TileBytes).Scan(&hashes)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("read tile %d of level %d: %w", t.Index, t.Level, err)
	}
	if got, want := len(hashes)/tlog.HashSize, transparency.Width(v.state.Size, t.Level, t.Index); got != want {
		v.inTable("tlog_tile", "row level %d, index %d: %d hashes, expected %d", t.Level, t.Index, got, want)
	}
	if hashes == nil {
		hashes = []byte{}
	}
	return hashes, nil
}

// append appends a leaf, and compares the tiles above it that became full, and the roots that were signed for the new
// size.
func (v *verifier) append(ctx context.Context, leaf tlog.Hash) error {
	v.edge.Append(leaf)
	v.compareRoots()
	if v.edge.Size()%transparency.TileWidth != 0 {
		return nil
	}
	for _, t := range v.edge.Flush() {
		if t.Level > 0 && len(t.Hashes) == transparency.TileBytes {
			if err := v.compareTile(ctx, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// compareTile compares a tile above the leaves with the stored one, and names the events under the first hash that
// differs.
func (v *verifier) compareTile(ctx context.Context, t transparency.Tile) error {
	stored, err := v.tile(ctx, t)
	if err != nil || bytes.Equal(stored, t.Hashes) {
		return err
	}
	for i := 0; i+tlog.HashSize <= min(len(stored), len(t.Hashes)); i += tlog.HashSize {
		if !bytes.Equal(stored[i:][:tlog.HashSize], t.Hashes[i:][:tlog.HashSize]) {
			under := int64(1) << (transparency.TileHeight * t.Level) // number of leaves under one hash
			begin := (t.Index*transparency.TileWidth + int64(i/tlog.HashSize)) * under
			v.inTable("tlog_tile", "row level %d, index %d: a hash does not fit the tiles below it, positions %d to %d", t.Level, t.Index, begin+1, begin+under)
			return nil
		}
	}
	return nil // the number of hashes differs, which is reported
}

// compareRoots compares the root of the tree with the roots that were signed for its size.
func (v *verifier) compareRoots() {
	size := v.edge.Size()
	for _, p := range v.roots[size] {
		if v.edge.Tree().Hash == p.root {
			v.verified = size
			continue
		}
		v.inTable("tlog_tile", "%s: the tree of size %d has another root than the one that was signed: an event or a hash has changed at the positions %d to %d",
			p.name, size, v.verified+1, size)
	}
	delete(v.roots, size)
}

// finish reports the first event that differs, and compares the partial tiles and the number of tiles.
func (v *verifier) finish(ctx context.Context) error {
	if v.differ > 1 {
		v.first.Text += fmt.Sprintf(" (and %d later ones)", v.differ-1)
	}
	if v.differ > 0 {
		v.report(v.first)
	}
	var want, got int64
	for level := 0; v.state.Size>>(transparency.TileHeight*level) > 0; level++ {
		count := v.state.Size >> (transparency.TileHeight * level)
		want += (count + transparency.TileWidth - 1) / transparency.TileWidth
		if level > 0 && count%transparency.TileWidth > 0 {
			t := transparency.Tile{Level: level, Index: count / transparency.TileWidth, Hashes: v.edge.Partial(level)}
			if err := v.compareTile(ctx, t); err != nil {
				return err
			}
		}
	}
	if err := v.db.QueryRow(ctx, countTiles).Scan(&got); err != nil {
		return fmt.Errorf("count the tiles: %w", err)
	}
	if got != want {
		v.inTable("tlog_tile", "%d tiles, the tree of size %d has %d", got, v.state.Size, want)
	}
	return nil
}
