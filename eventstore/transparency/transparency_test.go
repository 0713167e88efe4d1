package transparency_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/anchor"
)

// tiles is a tree in memory.
type tiles map[[2]int64][]byte

func (m tiles) read(level int, index int64, width int) ([]byte, error) {
	hashes := m[[2]int64{int64(level), index}]
	if len(hashes) < width*tlog.HashSize {
		return nil, fmt.Errorf("tile %d of level %d has %d bytes", index, level, len(hashes))
	}
	return hashes[:width*tlog.HashSize], nil
}

func (m tiles) reader() transparency.TileReader {
	return func(wanted []tlog.Tile) ([][]byte, error) {
		var all [][]byte
		for _, t := range wanted {
			hashes, err := m.read(t.L, t.N, t.W)
			if err != nil {
				return nil, err
			}
			all = append(all, hashes)
		}
		return all, nil
	}
}

// TestTreeOfTwoLibraries grows a tree in batches of random sizes. It compares the roots and the proofs with a second
// implementation of RFC 6962, also for a tree whose edge was loaded again, and for earlier sizes.
func TestTreeOfTwoLibraries(t *testing.T) {
	t.Parallel()
	const leaves = 70_000 // three levels of tiles
	random := rand.New(rand.NewPCG(1, 2))
	stored, edge := tiles{}, &transparency.Edge{}
	second := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	var hashes []tlog.Hash
	roots := map[int64]tlog.Tree{0: edge.Tree()}
	if root := edge.Tree(); !bytes.Equal(root.Hash[:], rfc6962.DefaultHasher.EmptyRoot()) {
		t.Errorf("root of the empty tree %s", root.Hash)
	}
	for edge.Size() < leaves {
		for range 1 + random.IntN(700) {
			data := binary.BigEndian.AppendUint64(nil, uint64(edge.Size()))
			leaf := tlog.RecordHash(data)
			hashes = append(hashes, leaf)
			edge.Append(leaf)
			if err := second.Append(rfc6962.DefaultHasher.HashLeaf(data), nil); err != nil {
				t.Fatal(err)
			}
		}
		for _, tile := range edge.Flush() {
			stored[[2]int64{int64(tile.Level), tile.Index}] = tile.Hashes
		}
		root, err := second.GetRootHash(nil)
		if tree := edge.Tree(); err != nil || tree.N != int64(len(hashes)) || !bytes.Equal(tree.Hash[:], root) {
			t.Fatalf("size %d: root %s, the second library has %x, %v", edge.Size(), tree.Hash, root, err)
		}
		roots[edge.Size()] = edge.Tree()
		if edge, err = transparency.LoadEdge(edge.Size(), stored.read); err != nil {
			t.Fatal(err)
		}
	}
	tree := edge.Tree()
	reader := tlog.TileHashReader(tree, stored.reader())
	for size, root := range roots {
		old, err := transparency.LoadEdge(size, stored.read)
		if err != nil || old.Tree() != root {
			t.Fatalf("size %d: the loaded root is %s, want %s, %v", size, old.Tree().Hash, root.Hash, err)
		}
		if size == 0 {
			continue
		}
		consistent, err := tlog.ProveTree(tree.N, size, reader)
		if err != nil {
			t.Fatal(err)
		}
		if err := proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(size), uint64(tree.N), slicesOf(consistent), root.Hash[:], tree.Hash[:]); err != nil {
			t.Errorf("consistency of size %d: %v", size, err)
		}
		index := random.Int64N(tree.N)
		included, err := tlog.ProveRecord(tree.N, index, reader)
		if err != nil {
			t.Fatal(err)
		}
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(index), uint64(tree.N), hashes[index][:], slicesOf(included), tree.Hash[:]); err != nil {
			t.Errorf("inclusion of %d: %v", index, err)
		}
	}
	for place, hashes := range stored {
		if got, want := len(hashes)/tlog.HashSize, transparency.Width(tree.N, int(place[0]), place[1]); got != want {
			t.Errorf("tile %v has %d hashes, want %d", place, got, want)
		}
	}
}

func slicesOf(hashes []tlog.Hash) [][]byte {
	all := make([][]byte, len(hashes))
	for i := range hashes {
		all[i] = hashes[i][:]
	}
	return all
}

func example() transparency.Event {
	live := int64(6)
	return transparency.Event{Position: 132, Stream: "wallet-12", Version: 4, ID: uuid.MustParse("0190f1f0-0000-7000-8000-000000000001"),
		Type: "gift.sent.v1", Payload: []byte(`{"live":6}`), Metadata: []byte(`{"actor":"user-12"}`), LiveID: &live, RecordedAt: 1_790_000_000_000_001}
}

// TestEntryIsFrozen checks that a later version computes the same hash of an event. Another hash would make all signed
// checkpoints worthless.
func TestEntryIsFrozen(t *testing.T) {
	t.Parallel()
	e := example()
	if got, want := e.Hash().String(), "L07IbVu7l1uoBwmL7AN8AYxfy56uB0EnPOZXH7M1hqI="; got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
	e.LiveID = nil
	if got, want := e.Hash().String(), "YtrNKp858RoTzzQ2c15PzE040IvqWQpNzIxP47+RPeA="; got != want {
		t.Errorf("hash without a live %s, want %s", got, want)
	}
}

// TestEntriesOfDifferentEventsDiffer checks that an entry can be read in one way only: two events with the same entry
// are the same event.
func TestEntriesOfDifferentEventsDiffer(t *testing.T) {
	t.Parallel()
	text := rapid.SampledFrom([]string{"", "a", "ab", "b", "\x00", "\x00\x00\x00\x01", "ba"})
	event := rapid.Custom(func(t *rapid.T) transparency.Event {
		e := transparency.Event{
			Position: rapid.Int64Range(0, 2).Draw(t, "position"), Stream: text.Draw(t, "stream"), Version: rapid.Int64Range(0, 2).Draw(t, "version"),
			Type: text.Draw(t, "type"), Payload: []byte(text.Draw(t, "payload")), Metadata: []byte(text.Draw(t, "metadata")),
			RecordedAt: rapid.Int64Range(-1, 1).Draw(t, "recorded_at"),
		}
		e.ID[rapid.IntRange(0, 15).Draw(t, "byte")] = byte(rapid.IntRange(0, 1).Draw(t, "id"))
		if live := rapid.Int64Range(-1, 2).Draw(t, "live"); live >= 0 {
			e.LiveID = &live
		}
		return e
	})
	describe := func(e transparency.Event) string {
		live := "none"
		if e.LiveID != nil {
			live = fmt.Sprint(*e.LiveID)
		}
		return fmt.Sprintf("%d %q %d %s %q %q %q %s %d", e.Position, e.Stream, e.Version, e.ID, e.Type, e.Payload, e.Metadata, live, e.RecordedAt)
	}
	seen := map[string]string{}
	rapid.Check(t, func(t *rapid.T) {
		e := event.Draw(t, "event")
		entry, text := string(e.AppendEntry(nil)), describe(e)
		if other, known := seen[entry]; known && other != text {
			t.Fatalf("one entry of two events:\n%s\n%s", text, other)
		}
		seen[entry] = text
	})
}

var (
	oldSecret = strings.Repeat("o", 32)
	newSecret = strings.Repeat("n", 32)
)

func mustKeys(t *testing.T, origin string, secrets ...string) *transparency.Keys {
	t.Helper()
	keys, err := transparency.NewKeys(secrets, origin)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// TestCheckpointsWhileASecretIsReplaced checks that the holders of either public key accept the checkpoints while both
// secrets are set, and that nobody else does.
func TestCheckpointsWhileASecretIsReplaced(t *testing.T) {
	t.Parallel()
	origin := transparency.Origin("5f0c2a77-0000-4000-8000-000000000000", 1)
	before, during, after := mustKeys(t, origin, oldSecret), mustKeys(t, origin, newSecret, oldSecret), mustKeys(t, origin, newSecret)
	if during.Public()[0] != after.Public()[0] || during.Public()[1] != before.Public()[0] || before.Public()[0] == after.Public()[0] {
		t.Fatalf("public keys %q, %q, %q", before.Public(), during.Public(), after.Public())
	}
	if other := mustKeys(t, transparency.Origin("5f0c2a77-0000-4000-8000-000000000000", 2), oldSecret); other.Public()[0] == before.Public()[0] {
		t.Error("two trees have the same public key text")
	}
	c := transparency.Checkpoint{Origin: origin, Tree: tlog.Tree{N: 5, Hash: tlog.RecordHash([]byte("x"))}}
	for _, tt := range []struct {
		name     string
		signer   *transparency.Keys
		verifier string
		ok       bool
	}{
		{"old by old", before, before.Public()[0], true},
		{"both by old", during, before.Public()[0], true},
		{"both by new", during, after.Public()[0], true},
		{"new by new", after, after.Public()[0], true},
		{"new by old", after, before.Public()[0], false},
		{"old by new", before, after.Public()[0], false},
	} {
		signed, err := tt.signer.Sign(c)
		if err != nil {
			t.Fatal(err)
		}
		known, err := transparency.ParseKeys(tt.verifier)
		if err != nil {
			t.Fatal(err)
		}
		got, err := transparency.OpenCheckpoint(signed, known)
		if tt.ok && (err != nil || got != c) || !tt.ok && !errors.Is(err, transparency.ErrSignature) {
			t.Errorf("%s: %v, %v", tt.name, got, err)
		}
		if parsed, err := transparency.ParseCheckpoint(signed); err != nil || parsed != c {
			t.Errorf("%s: parsed %v, %v", tt.name, parsed, err)
		}
	}
}

// TestForgedCheckpoints changes single bits of a signed checkpoint. OpenCheckpoint must refuse the result.
func TestForgedCheckpoints(t *testing.T) {
	t.Parallel()
	keys := mustKeys(t, transparency.Origin("id", 1), oldSecret)
	known, err := transparency.ParseKeys(keys.Public()[0])
	if err != nil {
		t.Fatal(err)
	}
	signed, err := keys.Sign(transparency.Checkpoint{Origin: keys.Origin(), Tree: tlog.Tree{N: 1234, Hash: tlog.RecordHash(nil)}})
	if err != nil {
		t.Fatal(err)
	}
	want, err := transparency.OpenCheckpoint(signed, known)
	if err != nil {
		t.Fatal(err)
	}
	for i := range signed {
		for bit := range 8 {
			forged := bytes.Clone(signed)
			forged[i] ^= 1 << bit
			if got, err := transparency.OpenCheckpoint(forged, known); err == nil && got != want {
				t.Errorf("byte %d, bit %d: opens as %v", i, bit, got)
			}
		}
	}
	if _, err := keys.Sign(transparency.Checkpoint{Origin: transparency.Origin("id", 2)}); err == nil {
		t.Error("the key of a tree signs for another tree")
	}
}

// TestCutCheckpoints cuts the last checkpoint of a file at every byte, as a power failure does, and stores another one after it.
// The file stays readable. A file with only a cut checkpoint does not.
func TestCutCheckpoints(t *testing.T) {
	t.Parallel()
	keys := mustKeys(t, transparency.Origin("id", 1), oldSecret)
	known, err := transparency.ParseKeys(keys.Public()[0])
	if err != nil {
		t.Fatal(err)
	}
	sign := func(size int64) []byte {
		t.Helper()
		signed, err := keys.Sign(transparency.Checkpoint{Origin: keys.Origin(), Tree: tlog.Tree{N: size, Hash: tlog.RecordHash(nil)}})
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	path := filepath.Join(t.TempDir(), "checkpoints")
	sizes := func(content []byte) (sizes []int64, err error) {
		t.Helper()
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := transparency.ReadCheckpoints(path, known)
		for _, c := range found {
			sizes = append(sizes, c.N)
		}
		return sizes, err
	}
	first, last, next := sign(5), sign(7), sign(9)
	a, err := anchor.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range last {
		file := slices.Concat(first, last[:cut])
		if got, err := sizes(file); err != nil || !slices.Equal(got, []int64{5}) {
			t.Errorf("cut at byte %d: %v, %v", cut, got, err)
		}
		if err := a.Store(t.Context(), next); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := sizes(content)
		if err != nil || !slices.Equal(slices.DeleteFunc(got, func(n int64) bool { return n == 7 }), []int64{5, 9}) {
			t.Errorf("cut at byte %d, and continued: %v, %v", cut, got, err)
		}
		if got, err := sizes(last[:cut]); err == nil {
			t.Errorf("only a checkpoint that is cut at byte %d: %v", cut, got)
		}
	}
	last[len(last)-5] ^= 1
	if got, err := sizes(slices.Concat(first, last, next)); err == nil {
		t.Errorf("a forged signature before another checkpoint is ignored: %v", got)
	}
}

func TestSecretsOfCheckpoints(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                   "there must be one or two audit secrets (got 0)",
		"short":                              "audit secret 1 must have at least 32 bytes (got 5)",
		oldSecret + " short":                 "audit secret 2 must have at least 32 bytes (got 5)",
		strings.Repeat(oldSecret+" ", 3):     "there must be one or two audit secrets (got 3)",
		oldSecret:                            "",
		oldSecret + " " + newSecret + "long": "",
	} {
		got := ""
		if err := transparency.CheckSecrets(strings.Fields(text)); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestTilePaths(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]tlog.Tile{
		"0/000":              {H: 8, L: 0, N: 0, W: 256},
		"0/x001/x234/067":    {H: 8, L: 0, N: 1234067, W: 256},
		"1/x001/234.p/17":    {H: 8, L: 1, N: 1234, W: 17},
		"2/000.p/255":        {H: 8, L: 2, N: 0, W: 255},
		"":                   {},
		"0":                  {},
		"0/0":                {},
		"0/000.p/0":          {},
		"0/000.p/256":        {},
		"00/000":             {},
		"-1/000":             {},
		"0/x000/000":         {},
		"entries/000":        {},
		"data/000":           {},
		"0/000/":             {},
		"0/../../checkpoint": {},
		"0/x999/x999/x999/x999/x999/x999/x999/999": {},
	} {
		got, err := transparency.ParseTilePath(path)
		if got != want || (err == nil) != (want != tlog.Tile{}) {
			t.Errorf("%q: %+v, %v", path, got, err)
		}
		if err == nil && transparency.TilePath(got) != path {
			t.Errorf("%q becomes %q", path, transparency.TilePath(got))
		}
	}
}

func TestOrigins(t *testing.T) {
	t.Parallel()
	id, number, err := transparency.ParseOrigin(transparency.Origin("abc", 12))
	if id != "abc" || number != 12 || err != nil {
		t.Errorf("%q, %d, %v", id, number, err)
	}
	for _, origin := range []string{"", "roomlog", "roomlog/a", "roomlog/a/0", "roomlog/a/-1", "roomlog/a/01", "roomlog/a/1/2", "other/a/1"} {
		if _, _, err := transparency.ParseOrigin(origin); err == nil {
			t.Errorf("%q is accepted", origin)
		}
	}
}
