package tree_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/tree"
)

// verify returns the faults that a verification finds.
func (w *world) verify(kept ...tree.Kept) (faults []tree.Fault) {
	w.Helper()
	err := pgx.BeginTxFunc(w.Context(), w.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		return tree.Verify(w.Context(), tx, w.Store.ID(), kept, func(f tree.Fault) { faults = append(faults, f) })
	})
	if err != nil {
		w.Fatal(err)
	}
	return faults
}

// edit executes statements for which no triggers run.
func (w *world) edit(sql string) (pgconn.CommandTag, error) {
	w.Helper()
	var tag pgconn.CommandTag
	err := pgx.BeginFunc(w.Context(), w.DB.Owner, func(tx pgx.Tx) (err error) {
		if _, err = tx.Exec(w.Context(), "SET LOCAL session_replication_role = replica"); err == nil {
			tag, err = tx.Exec(w.Context(), sql)
		}
		return err
	})
	return tag, err
}

func (w *world) mustEdit(sql string) {
	w.Helper()
	if _, err := w.edit(sql); err != nil {
		w.Fatal(err)
	}
}

// eventEdits contains edits of each column of table events.
var eventEdits = map[string][]string{
	"stream":      {"COLUMN || 'x'", "left(COLUMN, -1)", "reverse(COLUMN)"},
	"version":     {"COLUMN + 100000", "COLUMN + 1000000"},
	"event_id":    {"gen_random_uuid()"},
	"type":        {"COLUMN || '1'", "replace(COLUMN, 'v1', 'v2')", "''"},
	"payload":     {"(COLUMN::text || ' ')::json", "'{}'", "replace(COLUMN::text, '1', '2')::json", "replace(COLUMN::text, 'gift', 'gitf')::json"},
	"metadata":    {"(' ' || COLUMN::text)::json", `'{"actor":"user-1"}'`, `'{"actor":"operator","key":"k"}'`},
	"live_id":     {"coalesce(COLUMN, 0) + 1", "0"},
	"recorded_at": {"COLUMN + interval '1 microsecond'", "COLUMN - interval '1 day'", "'infinity'", "'-infinity'"},
	"position":    {"COLUMN + 1000000"},
}

// TestEveryEditOfAnEventIsFound edits a random column of a random event, hundreds of times. The verification names the
// position of the event.
func TestEveryEditOfAnEventIsFound(t *testing.T) {
	t.Parallel()
	const cases = 400
	w := newWorld(t)
	w.append(300)
	w.extend(w.follower())
	w.save()
	columns := strings.Fields(w.Text("SELECT attname FROM pg_attribute WHERE attrelid = 'events'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY 1"))
	random := rand.New(rand.NewPCG(uint64(w.Int("SELECT extract(epoch FROM clock_timestamp())::bigint")), 7))
	done := map[string]int{}
	for range cases {
		column, position := columns[random.IntN(len(columns))], 1+random.Int64N(w.Head())
		choices := eventEdits[column]
		if len(choices) == 0 {
			t.Fatalf("column %s has no edits: add some, and add the column to the entry of an event", column)
		}
		value := strings.ReplaceAll(choices[random.IntN(len(choices))], "COLUMN", column)
		tag, err := w.edit(fmt.Sprintf("UPDATE events SET %s = %s WHERE position = %d AND %[1]s::text IS DISTINCT FROM (%[2]s)::text", column, value, position))
		var refused *pgconn.PgError
		switch {
		case errors.As(err, &refused): // a constraint has refused the edit
			continue
		case err != nil:
			t.Fatal(err)
		case tag.RowsAffected() != 1:
			continue
		}
		done[column]++
		faults := w.verify()
		if !slices.ContainsFunc(faults, func(f tree.Fault) bool { return f.Position == position }) || slices.ContainsFunc(faults, func(f tree.Fault) bool { return f.Position != 0 && f.Position != position }) {
			t.Errorf("%s = %s at position %d: the faults are %v", column, value, position, faults)
		}
		w.mustEdit(fmt.Sprintf("DELETE FROM events WHERE position IN (%d, %[1]d + 1000000)", position))
		w.mustEdit(fmt.Sprintf("INSERT INTO events SELECT * FROM saved.events WHERE position = %d", position))
	}
	for _, column := range columns {
		if done[column] < 5 {
			t.Errorf("column %s was edited %d times only", column, done[column])
		}
	}
	if faults := w.verify(); len(faults) > 0 {
		t.Errorf("faults without an edit: %v", faults)
	}
}

// forgeLeaf replaces the hash of an event in its tile by that of the event as it is in the database.
func (w *world) forgeLeaf(position int64) {
	w.Helper()
	events, err := tree.ReadEvents(w.Context(), w.Pool, position-1, position, 1)
	if err != nil || len(events) != 1 {
		w.Fatal(len(events), err)
	}
	hash := events[0].Hash()
	w.mustEdit(fmt.Sprintf("UPDATE tlog_tile SET hashes = overlay(hashes PLACING '\\x%x'::bytea FROM %d) WHERE level = 0 AND index = %d",
		hash[:], (position-1)%256*32+1, (position-1)/256))
}

// TestEditsOfTheTreeAreFound edits tables of the transparency log, also in ways that hide an edit of an event.
func TestEditsOfTheTreeAreFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.append(100)
	w.extend(w.follower())
	early := w.check()
	w.mustEdit("UPDATE tlog_checkpoint SET signed_at = signed_at - interval '2 hours'") // the next checkpoint does not replace one of an earlier hour
	w.append(200)
	w.extend(w.follower())
	late := w.check()
	w.save()
	const payload = "UPDATE events SET payload = replace(payload::text, '10', '99')::json WHERE position = 150"
	for _, tt := range []struct {
		name string
		edit func()
		kept []tree.Kept
		want []string // fragments of the faults
	}{
		{"an event and its leaf", func() { w.mustEdit(payload); w.forgeLeaf(150) }, nil,
			[]string{"tlog_tile: row level 1, index 0: a hash does not fit the tiles below it, positions 1 to 256", "has another root than the one that was signed: an event or a hash has changed at the positions 101 to 300"}},
		{"a new tree over edited events", func() { w.mustEdit(payload); w.rebuildTiles() }, nil,
			[]string{"tlog_tile: table tlog_checkpoint, row number 1, size 300: the tree of size 300 has another root"}},
		{"a new tree without checkpoints", func() { w.mustEdit(payload); w.rebuildTiles(); w.forgetCheckpoints() }, nil, nil},
		{"a new tree without checkpoints, but they were kept", func() { w.mustEdit(payload); w.rebuildTiles(); w.forgetCheckpoints() },
			[]tree.Kept{{Name: "early", Checkpoint: early}, {Name: "late", Checkpoint: late}},
			[]string{"tlog_tile: kept checkpoint late: the tree of size 300 has another root than the one that was signed: an event or a hash has changed at the positions 101 to 300"}},
		{"kept checkpoints of an unchanged log", func() {}, []tree.Kept{{Name: "early", Checkpoint: early}, {Name: "late", Checkpoint: late}}, nil},
		{"a kept checkpoint of a longer log", func() {
			w.mustEdit("DELETE FROM events WHERE position > 299")
			w.rebuildTiles()
			w.forgetCheckpoints()
		},
			[]tree.Kept{{Name: "late", Checkpoint: late}}, []string{"tlog_tree: kept checkpoint late covers 300 events, the tree has 299"}},
		{"a kept checkpoint of another tree", func() {}, []tree.Kept{{Name: "other", Checkpoint: transparency.Checkpoint{Origin: "roomlog/x/1", Tree: late.Tree}}},
			[]string{"tlog_tree: the kept checkpoint other is of roomlog/x/1, the tree is"}},
		{"events at the end are deleted", func() { w.mustEdit("DELETE FROM events WHERE position > 290") }, nil,
			[]string{"291: the transparency log contains this event, the log does not (and 9 later ones)", "tlog_tree: the tree ends with event"}},
		{"an event is deleted", func() { w.mustEdit("DELETE FROM events WHERE position = 7") }, nil, []string{"7: the transparency log contains this event, the log does not"}},
		{"a tile is deleted", func() { w.mustEdit("DELETE FROM tlog_tile WHERE level = 0 AND index = 1") }, nil,
			[]string{"tlog_tile: row level 0, index 1: 0 hashes, expected 44", "tlog_tile: 2 tiles, the tree of size 300 has 3"}},
		{"a tile is too long", func() { w.mustEdit("UPDATE tlog_tile SET hashes = hashes || substr(hashes, 1, 32) WHERE level = 1") }, nil, []string{"tlog_tile: row level 1, index 0: 2 hashes, expected 1"}},
		{"there is one more tile", func() { w.mustEdit("INSERT INTO tlog_tile SELECT 3, 3, hashes FROM tlog_tile LIMIT 1") }, nil, []string{"tlog_tile: 4 tiles, the tree of size 300 has 3"}},
		{"a checkpoint is edited", func() { w.mustEdit("UPDATE tlog_checkpoint SET note = replace(note, E'\\n300\\n', E'\\n301\\n')") }, nil, []string{"tlog_checkpoint: row number 1, size 300: the checkpoint has no valid signature"}},
		{"the newest checkpoint is deleted", func() { w.mustEdit("DELETE FROM tlog_checkpoint WHERE size = 300") }, nil, []string{"tlog_tree: signed is 300, but the newest row of table tlog_checkpoint has the size "}},
		{"an older checkpoint is deleted", func() { w.mustEdit("DELETE FROM tlog_checkpoint WHERE size = 100") }, nil, []string{"tlog_checkpoint: row number 1, size 300: the checkpoint before it has the size 0, expected 100"}},
		{"all checkpoints are deleted", func() { w.mustEdit("DELETE FROM tlog_checkpoint") }, nil, []string{"tlog_tree: signed is 300, but the newest row of table tlog_checkpoint has the size "}},
		{"the tree denies its newest checkpoint", func() { w.mustEdit("UPDATE tlog_tree SET signed = 301") }, nil, []string{"tlog_tree: signed is 301, but the newest row of table tlog_checkpoint has the size 300"}},
		{"a checkpoint has another key", func() { w.mustEdit("UPDATE tlog_checkpoint SET keys = 'x'") }, nil, []string{"tlog_checkpoint: row number 1, size 300: \"x\" is no public key"}},
		{"the tree has another number", func() { w.mustEdit("UPDATE tlog_tree SET number = 2") }, nil, []string{"tlog_tree: tree 2 has no signed checkpoint"}},
		{"the tree is halted", func() { w.mustEdit("UPDATE tlog_tree SET halted = 'why'") }, nil, []string{"tlog_tree: the transparency log is halted: why"}},
		{"the row of the tree is deleted", func() { w.mustEdit("DELETE FROM tlog_tree") }, nil, []string{"tlog_tree: the row is missing"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.edit()
			var faults []string
			for _, f := range w.verify(tt.kept...) {
				place := f.Table
				if f.Position > 0 {
					place = fmt.Sprint(f.Position)
				}
				faults = append(faults, place+": "+f.Text)
			}
			for _, want := range tt.want {
				if !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, want) }) {
					t.Errorf("%q is not in %q", want, faults)
				}
			}
			if len(tt.want) == 0 && len(faults) > 0 {
				t.Errorf("got the faults %q, want none", faults)
			}
			w.restore()
		})
	}
}

// forgetCheckpoints deletes all signed checkpoints, and what the tree says about them.
func (w *world) forgetCheckpoints() {
	w.Helper()
	w.mustEdit("DELETE FROM tlog_checkpoint; UPDATE tlog_tree SET signed = 0")
}

// rebuildTiles derives the tiles from the events in the database. An attacker does the same to hide an edit.
func (w *world) rebuildTiles() {
	w.Helper()
	edge := &transparency.Edge{}
	events, err := tree.ReadEvents(w.Context(), w.Pool, 0, 1_000_000, 1_000_000)
	if err != nil {
		w.Fatal(err)
	}
	for _, e := range events {
		edge.Append(e.Hash())
	}
	w.mustEdit("DELETE FROM tlog_tile")
	for _, tile := range edge.Flush() {
		w.mustEdit(fmt.Sprintf("INSERT INTO tlog_tile VALUES (%d, %d, '\\x%x')", tile.Level, tile.Index, tile.Hashes))
	}
	last := events[len(events)-1]
	w.mustEdit(fmt.Sprintf("UPDATE tlog_tree SET size = %d, event_id = '%s'", last.Position, last.ID))
}
