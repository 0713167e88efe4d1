package tree_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/tree"
)

// cosigned returns a witness and the newest checkpoint with its cosignature.
func (w *world) cosigned() (witnesses *transparency.Witnesses, signed []byte) {
	w.Helper()
	private, public, err := note.GenerateKey(rand.Reader, "witness.example")
	if err != nil {
		w.Fatal(err)
	}
	signer, err := cosignature.NewSignerForCosignatureV1(private)
	if err != nil {
		w.Fatal(err)
	}
	if public, err = cosignature.VKeyToCosignatureV1(public); err != nil {
		w.Fatal(err)
	}
	settings := transparency.WitnessSettings{Witnesses: []string{public}, Cosignatures: 1}
	witnesses, err = settings.Open()
	if err != nil {
		w.Fatal(err)
	}
	s := w.state()
	known, err := transparency.ParseKeys(s.Keys)
	if err != nil {
		w.Fatal(err)
	}
	n, err := note.Open(s.Signed, known)
	if err != nil {
		w.Fatal(err)
	}
	signed, err = note.Sign(n, signer)
	if err != nil {
		w.Fatal(err)
	}
	return witnesses, signed
}

// TestVerifyComparesCosignatures edits the log and all tables of the transparency log but the cosignatures, and the
// cosignatures themselves. The verification compares every cosigned checkpoint with the log.
func TestVerifyComparesCosignatures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.append(20)
	w.extend(w.follower())
	witnesses, signed := w.cosigned()
	s, public := w.state(), witnesses.Keys()[0]
	if c, err := tree.AddCosignatures(t.Context(), w.Pool, w.Store.ID(), witnesses, signed); err != nil || c.N != 20 {
		t.Fatal(c, err)
	}
	if found, err := tree.ReadCosigners(t.Context(), w.Pool, 1); err != nil || len(found) != 1 || found[0].Key != public || found[0].Size != 20 {
		t.Errorf("%+v, %v", found, err)
	}
	w.append(5)
	w.extend(w.follower())
	if faults := w.verify(); len(faults) > 0 {
		t.Errorf("faults without an edit: %v", faults)
	}
	expect := func(what, want string) {
		t.Helper()
		if faults := w.verify(); !slices.ContainsFunc(faults, func(f tree.Fault) bool { return strings.Contains(f.Table+": "+f.Text, want) }) {
			t.Errorf("%s: the faults are %v", what, faults)
		}
	}
	for _, column := range []string{"note", "keys"} {
		w.mustEdit("UPDATE tlog_cosignature SET " + column + " = replace(" + column + ", 'o', 'p')")
		expect("edited "+column, "tlog_cosignature: row number 1, witness ")
		w.mustEdit("UPDATE tlog_cosignature SET note = '" + string(signed) + "', keys = '" + s.Keys + "'")
	}
	w.mustEdit("UPDATE tlog_cosignature SET size = 21")
	expect("another size", "tlog_cosignature: row number 1, witness ")
	w.mustEdit("UPDATE tlog_cosignature SET size = 20")
	w.mustEdit("UPDATE events SET payload = replace(payload::text, '10', '99')::json WHERE position = 7")
	w.rebuildTiles()
	w.forgetCheckpoints()
	expect("a new tree over an edited event", "tlog_tile: table tlog_cosignature, row number 1")
	w.mustEdit("INSERT INTO tlog_fork (number, size, note, keys) VALUES (1, 7, 'x', 'x')")
	expect("a fork", "tlog_fork: row number 1, size 7: a server has signed a checkpoint that the tree does not contain")
}

// TestLostTilesAreEvidence gives the server a cosigned checkpoint when somebody has deleted the tiles that could confirm it.
func TestLostTilesAreEvidence(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.append(20)
	w.extend(w.follower())
	witnesses, signed := w.cosigned()
	w.append(5)
	w.extend(w.follower())
	w.mustEdit("DELETE FROM tlog_tile")
	if _, err := tree.AddCosignatures(t.Context(), w.Pool, w.Store.ID(), witnesses, signed); !errors.Is(err, tree.ErrFork) {
		t.Errorf("got %v, want ErrFork", err)
	}
	if n := w.Int("SELECT count(*) FROM tlog_fork WHERE size = 20"); n != 1 || !strings.Contains(w.state().Halted, "lost tiles") {
		t.Errorf("%d checkpoints are kept as evidence, the tree is halted because of %q", n, w.state().Halted)
	}
}

// TestTreeGrowsWithoutCosignatures locks the table of the cosignatures, as maintenance does. The tree grows, its checkpoint is
// served, and the position that counts as anchored stays.
func TestTreeGrowsWithoutCosignatures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.append(4)
	w.extend(w.follower())
	witnesses, signed := w.cosigned()
	if _, err := tree.AddCosignatures(t.Context(), w.Pool, w.Store.ID(), witnesses, signed); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	f := w.follower(func(c *tree.Config) { c.Witnesses, c.Log = witnesses, slog.New(slog.NewTextHandler(&log, nil)) })
	w.extend(f)
	tx, err := w.DB.Owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.WithoutCancel(t.Context()))
	if _, err := tx.Exec(t.Context(), "LOCK TABLE tlog_cosignature IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w.append(1)
		if _, err := f.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.check()
	if s := f.Status(); s.SignedSize != 6 || s.Anchored != 4 || s.Err != nil {
		t.Errorf("signed %d, anchored %d, %v; want 6 and 4", s.SignedSize, s.Anchored, s.Err)
	}
	if n := strings.Count(log.String(), "reading cosignatures failed"); n != 1 {
		t.Errorf("the cause was logged %d times:\n%s", n, &log)
	}
	if public, err := tree.ReadPublic(t.Context(), w.Pool, witnesses); err != nil || !bytes.Equal(public, w.state().Signed) {
		t.Errorf("the checkpoint is %q, %v", public, err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.extend(f)
	if s := f.Status(); s.Anchored != 4 {
		t.Errorf("anchored %d, want 4", s.Anchored)
	}
}

// TestAnchoredPosition checks which position enough witnesses cover.
func TestAnchoredPosition(t *testing.T) {
	t.Parallel()
	var keys []string
	for _, name := range []string{"a", "b", "c"} {
		keys = append(keys, witnessKey(t, name))
	}
	for _, tt := range []struct {
		required int
		sizes    []int64
		want     int64
	}{{1, nil, 0}, {1, []int64{5}, 5}, {1, []int64{5, 9, 7}, 9}, {2, []int64{5, 9, 7}, 7}, {3, []int64{5, 9, 7}, 5}, {3, []int64{5, 9}, 0}} {
		settings := transparency.WitnessSettings{Witnesses: keys, Cosignatures: tt.required}
		w, err := settings.Open()
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Anchored(tt.sizes); got != tt.want {
			t.Errorf("%d of %v: anchored up to %d, want %d", tt.required, tt.sizes, got, tt.want)
		}
	}
	for name, wrong := range map[string]struct {
		keys     []string
		required int
		want     string
	}{
		"no key":                        {[]string{"x"}, 1, `--witnesses: "x" is no public key of a witness`},
		"a key twice":                   {[]string{keys[0], keys[0]}, 1, "is in the list twice"},
		"two keys of a witness":         {[]string{keys[0], witnessKey(t, "a")}, 1, "the witness a has two keys"},
		"more cosignatures":             {keys, 4, "--cosignatures must be at most the number of --witnesses, 3"},
		"too many":                      {make([]string, 17), 1, "--witnesses must have at most 16 keys"},
		"the key of a transparency log": {[]string{mustKey(t)}, 1, "is no public key of a witness"},
	} {
		settings := transparency.WitnessSettings{Witnesses: wrong.keys, Cosignatures: wrong.required}
		if err := settings.CheckSettings(); err == nil || !strings.Contains(err.Error(), wrong.want) {
			t.Errorf("%s: %v, want %s", name, err, wrong.want)
		}
	}
}

// witnessKey returns the public key of a new witness.
func witnessKey(t *testing.T, name string) string {
	t.Helper()
	_, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	if public, err = cosignature.VKeyToCosignatureV1(public); err != nil {
		t.Fatal(err)
	}
	return public
}

func mustKey(t *testing.T) string {
	t.Helper()
	keys, err := transparency.NewKeys(secrets, "roomlog/x/1")
	if err != nil {
		t.Fatal(err)
	}
	return keys.Public()[0]
}
