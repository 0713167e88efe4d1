package witness_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/anchor"
	"roomlog/eventstore/transparency/witness"
	"roomlog/internal/filelock"
)

var secret = strings.Repeat("s", 32)

// server serves a tree that a test grows, over HTTP.
type server struct {
	*httptest.Server
	keys   *transparency.Keys
	tiles  map[string][]byte // by the path of the full tile
	signed []byte

	cosigned []string // bodies of the cosignatures that the server has received
	answer   []int    // statuses of the next responses to cosignatures and to anchored checkpoints; 200 afterwards
}

// start returns a server. Its tree has the given leaves.
func start(t *testing.T, origin string, leaves ...int) *server {
	t.Helper()
	s := &server{}
	var err error
	if s.keys, err = transparency.NewKeys([]string{secret}, origin); err != nil {
		t.Fatal(err)
	}
	s.set(t, leaves...)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			status := http.StatusOK
			if len(s.answer) > 0 {
				status, s.answer = s.answer[0], s.answer[1:]
			}
			body, _ := io.ReadAll(r.Body)
			if status == http.StatusOK {
				s.cosigned = append(s.cosigned, r.URL.Path+"\n"+string(body))
			}
			w.WriteHeader(status)
			return
		}
		content := s.signed
		if path, found := strings.CutPrefix(r.URL.Path, "/tlog/tile/"); found {
			tile, err := transparency.ParseTilePath(path)
			if err != nil {
				http.Error(w, err.Error(), http.StatusNotFound)
				return
			}
			width := tile.W * tlog.HashSize
			tile.W = transparency.TileWidth
			if content = s.tiles[transparency.TilePath(tile)]; len(content) < width {
				http.Error(w, "no such tile", http.StatusNotFound)
				return
			}
			content = content[:width]
		}
		_, _ = w.Write(content)
	}))
	t.Cleanup(s.Close)
	return s
}

// set replaces the tree by one with the given leaves, and signs it.
func (s *server) set(t *testing.T, leaves ...int) {
	t.Helper()
	edge := &transparency.Edge{}
	for _, leaf := range leaves {
		edge.Append(tlog.RecordHash(binary.BigEndian.AppendUint64(nil, uint64(leaf))))
	}
	s.tiles = map[string][]byte{}
	for _, tile := range edge.Flush() {
		s.tiles[transparency.TilePath(tlog.Tile{H: 8, L: tile.Level, N: tile.Index, W: transparency.TileWidth})] = tile.Hashes
	}
	s.sign(t, edge.Tree())
}

func (s *server) sign(t *testing.T, tree tlog.Tree) {
	t.Helper()
	var err error
	if s.signed, err = s.keys.Sign(transparency.Checkpoint{Origin: s.keys.Origin(), Tree: tree}); err != nil {
		t.Fatal(err)
	}
}

// leaves returns 1 to n, and other numbers after the position of a change.
func leaves(n, changed int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i + 1
		if changed > 0 && i+1 >= changed {
			all[i] = -i
		}
	}
	return all
}

func open(t *testing.T, s *server, dir string, change ...func(*witness.Config)) (*witness.Witness, error) {
	t.Helper()
	known, err := transparency.ParseKeys(s.keys.Public()[0])
	if err != nil {
		t.Fatal(err)
	}
	source, err := witness.NewHTTP(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := witness.Config{Source: source, Keys: known, Dir: dir}
	for _, f := range change {
		f(&c)
	}
	return witness.Open(c)
}

func mustOpen(t *testing.T, s *server, dir string) *witness.Witness {
	t.Helper()
	w, err := open(t, s, dir)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestWitnessFollows follows a growing tree, with one witness and with one that is opened for each step.
func TestWitnessFollows(t *testing.T) {
	t.Parallel()
	s := start(t, "roomlog/id/1", leaves(1, 0)...)
	dir := t.TempDir()
	long := mustOpen(t, s, t.TempDir())
	for _, n := range []int{1, 2, 3, 255, 256, 257, 600, 600, 70_000} {
		s.set(t, leaves(n, 0)...)
		w := mustOpen(t, s, dir)
		for _, one := range []*witness.Witness{long, w} {
			if err := one.Step(t.Context()); err != nil {
				t.Fatalf("size %d: %v", n, err)
			}
			if c, ok := one.Newest(); !ok || c.N != int64(n) {
				t.Errorf("the newest checkpoint is %s, want size %d", c, n)
			}
		}
		if kept, err := os.ReadFile(filepath.Join(dir, "checkpoints", strconv.Itoa(n))); err != nil || string(kept) != string(s.signed) {
			t.Errorf("size %d: kept %q, %v", n, kept, err)
		}
	}
}

// TestWitnessReportsARewrittenHistory lets a server sign two histories. The witness must report this at once and at
// every later start, and must keep both checkpoints.
func TestWitnessReportsARewrittenHistory(t *testing.T) {
	t.Parallel()
	for name, rewrite := range map[string]func(t *testing.T, s *server){
		"an old event has changed, the log has grown":     func(t *testing.T, s *server) { s.set(t, leaves(400, 7)...) },
		"the newest event has changed, the log has grown": func(t *testing.T, s *server) { s.set(t, leaves(400, 300)...) },
		"an event has changed":                            func(t *testing.T, s *server) { s.set(t, leaves(300, 300)...) },
		"the log is shorter":                              func(t *testing.T, s *server) { s.set(t, leaves(200, 0)...) },
		"the log is shorter, with other events":           func(t *testing.T, s *server) { s.set(t, leaves(200, 100)...) },
		"another tree": func(t *testing.T, s *server) {
			keys, err := transparency.NewKeys([]string{secret}, "roomlog/id/2")
			if err != nil {
				t.Fatal(err)
			}
			s.keys = keys
			s.set(t, leaves(400, 0)...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, "roomlog/id/1", leaves(300, 0)...)
			dir := t.TempDir()
			both, err := transparency.NewKeys([]string{secret}, "roomlog/id/2")
			if err != nil {
				t.Fatal(err)
			}
			known, err := transparency.ParseKeys(s.keys.Public()[0] + " " + both.Public()[0])
			if err != nil {
				t.Fatal(err)
			}
			knowing := func(c *witness.Config) { c.Keys = known }
			w, err := open(t, s, dir, knowing)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
			before := s.signed
			rewrite(t, s)
			if err := w.Step(t.Context()); !errors.Is(err, witness.ErrRewritten) {
				t.Fatalf("got %v", err)
			}
			for file, want := range map[string][]byte{"newest": before, "rewritten": s.signed} {
				if kept, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(kept) != string(want) {
					t.Errorf("%s contains %q, want %q, %v", file, kept, want, err)
				}
			}
			if _, err := open(t, s, dir, knowing); !errors.Is(err, witness.ErrRewritten) {
				t.Errorf("the next start: %v", err)
			}
		})
	}
}

// TestWitnessKeepsNothingThatItCannotCheck serves checkpoints and tiles that do not belong together. The witness neither
// keeps them nor accuses the server.
func TestWitnessKeepsNothingThatItCannotCheck(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(t *testing.T, s *server){
		"an older checkpoint": func(t *testing.T, s *server) {
			s.set(t, leaves(200, 0)...)
			older := s.signed
			s.set(t, leaves(300, 0)...)
			s.signed = older
		},
		"a tile is missing": func(t *testing.T, s *server) { s.set(t, leaves(600, 0)...); delete(s.tiles, "0/001") },
		"a tile is damaged": func(t *testing.T, s *server) { s.set(t, leaves(600, 0)...); s.tiles["0/001"][99] ^= 1 },
		"a root that no tile has": func(t *testing.T, s *server) {
			s.set(t, leaves(600, 0)...)
			s.sign(t, tlog.Tree{N: 600, Hash: tlog.RecordHash(nil)})
		},
		"no checkpoint": func(_ *testing.T, s *server) { s.signed = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, "roomlog/id/1", leaves(300, 0)...)
			dir := t.TempDir()
			w := mustOpen(t, s, dir)
			if err := w.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
			damage(t, s)
			if err := w.Step(t.Context()); err == nil || errors.Is(err, witness.ErrRewritten) {
				t.Errorf("got %v", err)
			}
			if c, _ := mustOpen(t, s, dir).Newest(); c.N != 300 {
				t.Errorf("the witness keeps %s", c)
			}
			s.set(t, leaves(700, 0)...)
			if err := w.Step(t.Context()); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// TestWitnessesOfOneFolder lets two witnesses use one folder, as when a timer starts one before the other has ended. A
// server that shows them different histories is found out, and none of them keeps an older checkpoint than the other.
func TestWitnessesOfOneFolder(t *testing.T) {
	t.Parallel()
	s := start(t, "roomlog/id/1", leaves(300, 0)...)
	dir := t.TempDir()
	first, second := mustOpen(t, s, dir), mustOpen(t, s, dir)
	if err := first.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.set(t, leaves(400, 200)...)
	if err := second.Step(t.Context()); !errors.Is(err, witness.ErrRewritten) {
		t.Errorf("the second witness accepts another history: %v", err)
	}
	s.set(t, leaves(400, 0)...)
	if err := first.Step(t.Context()); !errors.Is(err, witness.ErrRewritten) {
		t.Errorf("the first witness ignores what the second has found: %v", err)
	}
}

// TestWitnessWaitsForAnotherProcess checks that a witness changes nothing while another process uses its folder.
func TestWitnessWaitsForAnotherProcess(t *testing.T) {
	t.Parallel()
	s := start(t, "roomlog/id/1", leaves(3, 0)...)
	dir := t.TempDir()
	file, err := os.Create(filepath.Join(dir, ".lock"))
	if err != nil {
		t.Fatal(err)
	}
	lock, err := filelock.TryLock(file)
	if err != nil {
		t.Fatal(err)
	}
	w := mustOpen(t, s, dir)
	if err := w.Step(t.Context()); err == nil || errors.Is(err, witness.ErrRewritten) {
		t.Errorf("got %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if err := w.Step(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestWitnessRefusesOtherKeys checks that a witness ends when the server signs with a key that it does not know.
func TestWitnessRefusesOtherKeys(t *testing.T) {
	t.Parallel()
	s := start(t, "roomlog/id/1", leaves(3, 0)...)
	w := mustOpen(t, s, t.TempDir())
	keys, err := transparency.NewKeys([]string{strings.Repeat("x", 32)}, "roomlog/id/1")
	if err != nil {
		t.Fatal(err)
	}
	s.keys = keys
	s.set(t, leaves(3, 0)...)
	if err := w.Run(t.Context()); !errors.Is(err, transparency.ErrSignature) {
		t.Errorf("got %v", err)
	}
}

// TestCosignatures checks that the kept checkpoints have a cosignature that the public key of the witness checks, and
// still the signature of the server.
func TestCosignatures(t *testing.T) {
	t.Parallel()
	s := start(t, "roomlog/id/1", leaves(3, 0)...)
	dir := t.TempDir()
	signer, public, err := witness.OpenCosigner(dir, "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	if _, again, err := witness.OpenCosigner(dir, "another name"); err != nil || again != public {
		t.Errorf("the key was %s and is %s, %v", public, again, err)
	}
	w, err := open(t, s, dir, func(c *witness.Config) { c.Cosigner = signer })
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{3, 5} {
		s.set(t, leaves(n, 0)...)
		if err := w.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(filepath.Join(dir, "checkpoints", "5"))
	if err != nil {
		t.Fatal(err)
	}
	cosigner, err := cosignature.NewVerifierForCosignatureV1(public)
	if err != nil {
		t.Fatal(err)
	}
	own, err := note.NewVerifier(s.keys.Public()[0])
	if err != nil {
		t.Fatal(err)
	}
	if n, err := note.Open(kept, note.VerifierList(cosigner, own)); err != nil || len(n.Sigs) != 2 {
		t.Errorf("%+v, %v", n, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key has the mode %v, %v", info.Mode(), err)
	}
}

// TestDelivery checks that a cosignature reaches the server, and each anchor has the checkpoint, also if they fail at first.
// A witness that is started again delivers once more. What contradicts the kept tree is neither cosigned nor delivered; the
// server is shown the kept checkpoint instead.
func TestDelivery(t *testing.T) {
	t.Parallel()
	s := start(t, "roomlog/id/1", leaves(3, 0)...)
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "checkpoints")
	if err := os.WriteFile(file, []byte("roomlog/id/1\n2\nAAA"), 0o600); err != nil { // cut by a power failure
		t.Fatal(err)
	}
	signer, _, err := witness.OpenCosigner(dir, "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	var anchors []anchor.Anchor
	for _, target := range []string{file, s.URL + "/anchor"} {
		a, err := anchor.Open(target)
		if err != nil {
			t.Fatal(err)
		}
		anchors = append(anchors, a)
	}
	change := func(c *witness.Config) { c.Cosigner, c.Anchors = signer, anchors }
	w, err := open(t, s, dir, change)
	if err != nil {
		t.Fatal(err)
	}
	step := func() {
		t.Helper()
		if err := w.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	kept := func() string {
		t.Helper()
		content, err := os.ReadFile(filepath.Join(dir, "newest"))
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	s.answer = []int{500, 200, 429} // the cosignature succeeds at the second attempt, as does the anchor
	step()
	first := kept()
	if want := []string{"/tlog/cosignature\n" + first, "/anchor\n" + first}; !slices.Equal(s.cosigned, want) {
		t.Errorf("got %q, want %q", s.cosigned, want)
	}
	step()
	if len(s.cosigned) != 2 {
		t.Errorf("a step without news has delivered %q", s.cosigned[2:])
	}
	s.set(t, leaves(5, 0)...)
	s.answer = []int{403} // the server does not know the witness
	step()
	second := kept()
	if want := "/anchor\n" + second; len(s.cosigned) != 3 || s.cosigned[2] != want {
		t.Errorf("got %q, want %q", s.cosigned[2:], want)
	}
	if w, err = open(t, s, dir, change); err != nil {
		t.Fatal(err)
	}
	step()
	if want := "/tlog/cosignature\n" + second; len(s.cosigned) != 5 || s.cosigned[3] != want {
		t.Errorf("after a restart: %q, want %q first", s.cosigned[3:], want)
	}
	known, err := transparency.ParseKeys(s.keys.Public()[0])
	if err != nil {
		t.Fatal(err)
	}
	stored, err := transparency.ReadCheckpoints(file, known)
	if err != nil || fmt.Sprint(sizes(stored)) != "[3 5]" {
		t.Errorf("the file has checkpoints of the sizes %v, want 3 and 5, which was not stored again after the restart; %v", sizes(stored), err)
	}

	s.set(t, leaves(9, 2)...)
	if err := w.Step(t.Context()); !errors.Is(err, witness.ErrRewritten) {
		t.Errorf("a rewritten history: %v", err)
	}
	if want := "/tlog/cosignature\n" + second; len(s.cosigned) != 6 || s.cosigned[5] != want {
		t.Errorf("the server received %q, want the kept checkpoint", s.cosigned[5:])
	}
	if evidence, err := os.ReadFile(filepath.Join(dir, "rewritten")); err != nil || string(evidence) != string(s.signed) {
		t.Errorf("the evidence is %q, %v", evidence, err)
	}
	if stored, err := transparency.ReadCheckpoints(file, known); err != nil || len(stored) != 2 {
		t.Errorf("the file has %d checkpoints, %v", len(stored), err)
	}
}

func sizes(all []transparency.Checkpoint) (sizes []int64) {
	for _, c := range all {
		sizes = append(sizes, c.N)
	}
	return sizes
}

// TestKeptCheckpointIsCosignedLater gives a witness a key after it has kept a checkpoint.
func TestKeptCheckpointIsCosignedLater(t *testing.T) {
	t.Parallel()
	s := start(t, "roomlog/id/1", leaves(3, 0)...)
	dir := t.TempDir()
	if err := mustOpen(t, s, dir).Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	signer, _, err := witness.OpenCosigner(dir, "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	w, err := open(t, s, dir, func(c *witness.Config) { c.Cosigner = signer })
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Step(t.Context()); err != nil || len(s.cosigned) != 1 || !strings.Contains(s.cosigned[0], "\n— witness.example ") {
		t.Errorf("%q, %v", s.cosigned, err)
	}
}

// TestErrorsHideThePassword checks that no error contains the password of the address of a server.
func TestErrorsHideThePassword(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	address := strings.Replace(server.URL, "http://", "http://ann:tr0ub4dor@", 1)
	source, err := witness.NewHTTP(address)
	if err != nil {
		t.Fatal(err)
	}
	_, err = source.Checkpoint(t.Context())
	_, refused := witness.NewHTTP(address + "?x=1")
	for _, err := range []error{err, refused} {
		if err == nil || strings.Contains(err.Error(), "tr0ub4dor") {
			t.Errorf("got %v, want an error without the password", err)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "live.example", "ftp://live.example", "https://", "https://live.example?x=1", "https://live.example/#x"} {
		if _, err := witness.NewHTTP(address); err == nil {
			t.Errorf("%q is accepted", address)
		}
	}
	var requested []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { requested = append(requested, r.URL.Path) }))
	defer server.Close()
	for _, path := range []string{"", "/", "/tlog", "/tlog/", "/other/log"} {
		source, err := witness.NewHTTP(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := source.Checkpoint(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}
	if got, want := fmt.Sprint(requested), "[/tlog/checkpoint /tlog/checkpoint /tlog/checkpoint /tlog/checkpoint /other/log/checkpoint]"; got != want {
		t.Errorf("requests %s, want %s", got, want)
	}
}
