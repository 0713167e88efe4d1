package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	cosignature "github.com/transparency-dev/formats/note"

	"roomlog/api"
	"roomlog/domain"
	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/tree"
	"roomlog/eventstore/transparency/witness"
)

// witnessed is an API with a transparency log that two witnesses follow. Events are anchored when both have cosigned.
type witnessed struct {
	*testAPI
	keys      *transparency.Keys
	follower  *tree.Follower
	cosigners []note.Signer
	witnesses []*witness.Witness
	verifiers []note.Verifier // of the server and of the witnesses
	gifts     int
}

func startWitnessed(t *testing.T) *witnessed {
	t.Helper()
	w := &witnessed{}
	settings := transparency.WitnessSettings{Cosignatures: 2}
	var dirs []string
	for _, name := range []string{"witness.example", "second.example"} {
		dir := t.TempDir()
		signer, public, err := witness.OpenCosigner(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		verifier, err := cosignature.NewVerifierForCosignatureV1(public)
		if err != nil {
			t.Fatal(err)
		}
		dirs, settings.Witnesses = append(dirs, dir), append(settings.Witnesses, public)
		w.cosigners, w.verifiers = append(w.cosigners, signer), append(w.verifiers, verifier)
	}
	known, err := settings.Open()
	if err != nil {
		t.Fatal(err)
	}
	w.testAPI = startAPI(t, func(c *api.Config) { c.Witnesses = known })
	if w.follower, err = tree.NewFollower(tree.Config{Store: w.store, Secrets: treeSecrets, Witnesses: known}); err != nil {
		t.Fatal(err)
	}
	w.start(w.follower.Run)
	if w.keys, err = transparency.NewKeys(treeSecrets, transparency.Origin(w.store.ID(), 1)); err != nil {
		t.Fatal(err)
	}
	own, err := transparency.ParseKeys(w.keys.Public()[0])
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(w.keys.Public()[0])
	if err != nil {
		t.Fatal(err)
	}
	w.verifiers = append(w.verifiers, verifier)
	source, err := witness.NewHTTP(w.url)
	if err != nil {
		t.Fatal(err)
	}
	for i, dir := range dirs {
		one, err := witness.Open(witness.Config{Source: source, Keys: own, Dir: dir, Cosigner: w.cosigners[i]})
		if err != nil {
			t.Fatal(err)
		}
		w.witnesses = append(w.witnesses, one)
	}
	return w
}

// grow appends n events, and returns the size of the log when all of them are signed.
func (w *witnessed) grow(n int) int64 {
	w.Helper()
	for range n {
		w.gifts++
		if _, err := w.sequencer.Execute(w.Context(), domain.Request{Command: domain.AddGift{Name: fmt.Sprint("gift ", w.gifts), Price: 1}, Actor: domain.Actor{Kind: domain.Operator}}); err != nil {
			w.Fatal(err)
		}
	}
	head, err := w.store.Head(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	w.eventually(func() error {
		if s := w.follower.Status(); s.SignedSize < head {
			return fmt.Errorf("signed %d of %d: %w", s.SignedSize, head, s.Err)
		}
		return nil
	})
	return head
}

// anchored returns the position up to which events are anchored, and how many witnesses have cosigned any checkpoint.
func (w *witnessed) anchored() (position int64, cosigned int) {
	w.Helper()
	a := w.get("/tlog/witnesses")
	var list struct {
		Data struct {
			Anchored  int64
			Required  int
			Witnesses []struct {
				Key, Checkpoint string
				Size            int64
			}
		}
	}
	if err := json.Unmarshal(a.raw, &list); err != nil || list.Data.Required != 2 || len(list.Data.Witnesses) != 2 {
		w.Fatalf("%s, %v", a.raw, err)
	}
	for _, one := range list.Data.Witnesses {
		if one.Size == 0 {
			continue
		}
		cosigned++
		n, err := note.Open([]byte(one.Checkpoint), note.VerifierList(w.verifiers...))
		if err != nil || len(n.Sigs) != 2 || len(n.UnverifiedSigs) != 0 {
			w.Errorf("%s: %v", one.Checkpoint, err)
		}
	}
	return list.Data.Anchored, cosigned
}

// signatures returns the number of valid signatures of the served checkpoint.
func (w *witnessed) signatures() int {
	w.Helper()
	n, err := note.Open(w.get("/tlog/checkpoint").raw, note.VerifierList(w.verifiers...))
	if err != nil || len(n.UnverifiedSigs) != 0 {
		w.Fatal(err, n)
	}
	return len(n.Sigs)
}

// post sends a checkpoint to the server and returns the status and the code of the response.
func (w *witnessed) post(signed []byte) (int, string) {
	w.Helper()
	response, err := http.Post(w.url+"/tlog/cosignature", "text/plain", strings.NewReader(string(signed)))
	if err != nil {
		w.Fatal(err)
	}
	defer response.Body.Close()
	var body struct{ Code string }
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		w.Fatal(err)
	}
	return response.StatusCode, body.Code
}

// cosigned returns a checkpoint with a signature of the keys and with cosignatures.
func (w *witnessed) cosigned(keys *transparency.Keys, c transparency.Checkpoint, cosigners ...note.Signer) []byte {
	w.Helper()
	signed, err := keys.Sign(c)
	if err != nil {
		w.Fatal(err)
	}
	verifiers, err := transparency.ParseKeys(keys.Public()[0])
	if err != nil {
		w.Fatal(err)
	}
	n, err := note.Open(signed, verifiers)
	if err == nil {
		signed, err = note.Sign(n, cosigners...)
	}
	if err != nil {
		w.Fatal(err)
	}
	return signed
}

// TestCosignatures lets two witnesses follow a growing log over HTTP. An event is anchored when both have cosigned a
// checkpoint over it. What no witness may send is refused; a checkpoint of another history halts the transparency log.
func TestCosignatures(t *testing.T) {
	t.Parallel()
	w := startWitnessed(t)
	step := func(i int) {
		t.Helper()
		if err := w.witnesses[i].Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(position int64, cosigned, signatures int) {
		t.Helper()
		if p, n := w.anchored(); p != position || n != cosigned || w.signatures() != signatures {
			t.Errorf("anchored up to %d by %d witnesses, %d signatures, want %d, %d, %d", p, n, w.signatures(), position, cosigned, signatures)
		}
	}
	first := w.grow(5)
	expect(0, 0, 1)
	step(0)
	expect(0, 1, 2)
	step(1)
	expect(first, 2, 3)
	second := w.grow(300)
	expect(first, 2, 1)
	step(1)
	expect(first, 2, 2)
	step(0)
	step(0) // has delivered
	expect(second, 2, 3)
	w.eventually(func() error {
		if s := w.follower.Status(); s.Anchored != second {
			return fmt.Errorf("the follower reports %d, want %d, %w", s.Anchored, second, s.Err)
		}
		return nil
	})

	s, err := tree.ReadState(t.Context(), w.pool)
	if err != nil {
		t.Fatal(err)
	}
	newest, err := transparency.ParseCheckpoint(s.Signed)
	if err != nil {
		t.Fatal(err)
	}
	unknown, _, err := witness.OpenCosigner(t.TempDir(), "unknown.example")
	if err != nil {
		t.Fatal(err)
	}
	newKeys := func(secret, origin string) *transparency.Keys {
		keys, err := transparency.NewKeys([]string{secret}, origin)
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	elsewhere := newKeys(treeSecrets[0], transparency.Origin(w.store.ID(), 2))
	good := string(w.cosigned(w.keys, newest, w.cosigners[0]))
	broken := good[:len(good)-6] + "AAAA=\n"
	for name, tt := range map[string]struct {
		signed []byte
		status int
		code   string
	}{
		"no cosignature":               {w.cosigned(w.keys, newest), 403, "witness_unknown"},
		"an unknown witness":           {w.cosigned(w.keys, newest, unknown), 403, "witness_unknown"},
		"another tree":                 {w.cosigned(elsewhere, transparency.Checkpoint{Origin: elsewhere.Origin(), Tree: newest.Tree}, w.cosigners[0]), 409, "tree_unknown"},
		"another key":                  {w.cosigned(newKeys(strings.Repeat("x", 32), w.keys.Origin()), newest, w.cosigners[0]), 401, "signature_invalid"},
		"a broken cosignature":         {[]byte(broken), 401, "signature_invalid"},
		"no checkpoint":                {[]byte("hello"), 401, "signature_invalid"},
		"nothing":                      {nil, 401, "signature_invalid"},
		"too much":                     {[]byte(strings.Repeat("x", 70_000)), 413, "body_too_large"},
		"the newest one again":         {[]byte(good), 200, ""},
		"an earlier one, for a repeat": {w.cosigned(w.keys, w.treeAt(first), w.cosigners[1]), 200, ""},
	} {
		if status, code := w.post(tt.signed); status != tt.status || code != tt.code {
			t.Errorf("%s: %d %s, want %d %s", name, status, code, tt.status, tt.code)
		}
	}
	expect(second, 2, 3)
	if s := w.follower.Status(); s.Halted != "" {
		t.Errorf("the transparency log is halted: %s", s.Halted)
	}

	for i, tt := range []struct {
		tree tlog.Tree
		code string
	}{
		{tlog.Tree{N: first, Hash: tlog.RecordHash([]byte("another history"))}, "tree_forked"},
		{tlog.Tree{N: second + 1, Hash: newest.Hash}, "tree_size_unknown"},
	} {
		if status, code := w.post(w.cosigned(w.keys, transparency.Checkpoint{Origin: newest.Origin, Tree: tt.tree}, w.cosigners[0])); status != 409 || code != tt.code {
			t.Errorf("%d %s, want 409 %s", status, code, tt.code)
		}
		var kept int
		if err := w.pool.QueryRow(t.Context(), "SELECT count(*) FROM tlog_fork").Scan(&kept); err != nil || kept != i+1 {
			t.Errorf("%d checkpoints are kept as evidence, want %d, %v", kept, i+1, err)
		}
	}
	w.eventually(func() error {
		if s := w.follower.Status(); !strings.Contains(s.Halted, "a witness has a signed checkpoint") {
			return fmt.Errorf("the reason of the halt is %q", s.Halted)
		}
		return nil
	})
	if w.log.Count("a witness has cosigned a checkpoint that the transparency log does not contain") != 2 {
		t.Error("the fork is not in the log of the server")
	}
}

// treeAt returns the checkpoint of an earlier size.
func (w *witnessed) treeAt(size int64) transparency.Checkpoint {
	w.Helper()
	events, err := tree.ReadEvents(w.Context(), w.pool, 0, size, int(size))
	if err != nil {
		w.Fatal(err)
	}
	edge := &transparency.Edge{}
	for _, e := range events {
		edge.Append(e.Hash())
	}
	return transparency.Checkpoint{Origin: w.keys.Origin(), Tree: edge.Tree()}
}
