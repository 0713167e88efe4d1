package pack_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/pack"
)

// mutate returns a copy of content in which a random place between begin and end has changed.
func mutate(r *rand.Rand, content []byte, begin, end int) (mutated []byte, what string) {
	at := begin + r.IntN(end-begin)
	n := 1 + r.IntN(min(40, end-at))
	switch r.IntN(6) {
	case 0:
		mutated, what = bytes.Clone(content), "a bit"
		mutated[at] ^= 1 << r.IntN(8)
	case 1:
		mutated, what = slices.Concat(content[:at], content[at+n:]), "deleted bytes"
	case 2:
		mutated, what = slices.Concat(content[:at], content[at:at+n], content[at:]), "bytes twice"
	case 3:
		mutated, what = bytes.Clone(content), "another digit"
		if found := regexp.MustCompile(`[0-9]`).FindIndex(content[at:end]); found != nil {
			mutated[at+found[0]] = '0' + (mutated[at+found[0]]-'0'+1+byte(r.IntN(9)))%10
		}
	case 4:
		mutated, what = bytes.Clone(content), "bytes in another order"
		slices.Reverse(mutated[at : at+n])
	case 5:
		mutated, what = bytes.Clone(content[:at]), "cut"
	}
	return mutated, what
}

// TestEveryMutationOfAPackIsFound changes random bytes of every file of a pack, and of the archive around the files.
func TestEveryMutationOfAPackIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, known := w.signed()
	content := w.pack(5, w.Head()-3)
	seed := uint64(w.Int("SELECT extract(epoch FROM clock_timestamp())::bigint"))
	random := rand.New(rand.NewPCG(seed, 7))
	check := func(mutated []byte, what string) {
		t.Helper()
		if bytes.Equal(mutated, content) {
			return
		}
		_, err := verify(mutated, known, nil)
		var fault *pack.Fault
		if !errors.As(err, &fault) && !errors.Is(err, transparency.ErrSignature) {
			t.Errorf("seed %d, %s: %v", seed, what, err)
		}
	}
	for range 100 {
		mutated, what := mutate(random, content, 0, len(content))
		check(mutated, what)
	}
	for _, name := range pack.FileNames {
		file := filesOf(t, content)[name]
		begin := bytes.Index(content, file)
		for range 20 {
			mutated, what := mutate(random, content, begin, begin+len(file))
			check(mutated, what+" in "+name)
		}
		for at := begin - 512; at < begin; at += 1 + random.IntN(40) { // the header
			mutated := bytes.Clone(content)
			mutated[at] ^= 1 << random.IntN(8)
			check(mutated, fmt.Sprintf("byte %d of the header of %s", at-begin+512, name))
		}
	}
	for range 100 { // files that a program has rewritten, so that sizes and sums are right
		name := pack.FileNames[random.IntN(len(pack.FileNames))]
		file := filesOf(t, content)[name]
		mutated, what := mutate(random, file, 0, len(file))
		check(rewrite(t, content, map[string][]byte{name: mutated}), what+" in the rewritten "+name)
	}
}

// rewrite returns a pack in which some files are replaced, with a manifest that describes them.
func rewrite(t testing.TB, content []byte, replaced map[string][]byte) []byte {
	t.Helper()
	files := filesOf(t, content)
	var m pack.Manifest
	if err := json.Unmarshal(files["manifest.json"], &m); err != nil {
		t.Fatal(err)
	}
	for name, file := range replaced {
		files[name] = file
	}
	for i, f := range m.Files {
		sum := sha256.Sum256(files[f.Name])
		m.Files[i].Bytes, m.Files[i].SHA256 = int64(len(files[f.Name])), hex.EncodeToString(sum[:])
	}
	if replaced["manifest.json"] == nil {
		text, err := json.MarshalIndent(m, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		files["manifest.json"] = append(text, '\n')
	}
	return archiveOf(t, files, time.Time{})
}

// archiveOf returns a tar archive with the files of a pack, which have been changed at a time.
func archiveOf(t testing.TB, files map[string][]byte, changed time.Time) []byte {
	t.Helper()
	var b bytes.Buffer
	out := tar.NewWriter(&b)
	for _, name := range pack.FileNames {
		err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(files[name])), Mode: 0o600, Format: tar.FormatGNU, ModTime: changed})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write(files[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestRewrittenPack checks that rewrite is right, and that the faults of rewritten packs have the position of the first
// event that has changed.
func TestRewrittenPack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, known := w.signed()
	content := w.pack(5, w.Head())
	if !bytes.Equal(rewrite(t, content, nil), content) {
		t.Fatal("a rewritten pack differs")
	}
	files := filesOf(t, content)
	lines := slices.Collect(bytes.Lines(files["events.ndjson"]))
	gift := slices.IndexFunc(lines, func(line []byte) bool { return bytes.Contains(line, []byte(`"gift.sent.v2"`)) })
	changed := func(i int, line []byte) []byte {
		all := slices.Clone(lines)
		all[i] = line
		return bytes.Join(all, nil)
	}
	replace := func(file []byte, old, with string) []byte {
		out := bytes.Replace(file, []byte(old), []byte(with), 1)
		if bytes.Equal(out, file) {
			t.Fatalf("there is no %q", old)
		}
		return out
	}
	first := int64(5)
	for name, c := range map[string]struct {
		replaced map[string][]byte
		text     string
		position int64
	}{
		"a posting":                    {map[string][]byte{"events.ndjson": changed(gift, replace(lines[gift], `"coins":30`, `"coins":31`))}, "not the one whose hash", first + int64(gift)},
		"a space":                      {map[string][]byte{"events.ndjson": changed(40, replace(lines[40], `,"stream"`, `, "stream"`))}, "not an event as roomlog writes it", 45},
		"a sign":                       {map[string][]byte{"events.ndjson": changed(40, replace(lines[40], `"position":45`, `"position":+45`))}, "not an event as roomlog writes it", 45},
		"an escape":                    {map[string][]byte{"events.ndjson": changed(40, replace(lines[40], `"stream":"gift`, `"stream":"\u0067ift`))}, "not an event as roomlog writes it", 45},
		"no event":                     {map[string][]byte{"events.ndjson": changed(40, nil)}, "the line contains position 46", 45},
		"an event twice":               {map[string][]byte{"events.ndjson": changed(40, slices.Concat(lines[40], lines[40]))}, "the line contains position 45", 46},
		"two events exchanged":         {map[string][]byte{"events.ndjson": changed(40, lines[41])}, "the line contains position 46", 45},
		"no last event":                {map[string][]byte{"events.ndjson": changed(len(lines)-1, nil)}, "the event is missing", w.Head()},
		"one more event":               {map[string][]byte{"events.ndjson": append(bytes.Clone(files["events.ndjson"]), "{}\n"...)}, "continues after position", 0},
		"a hash":                       {map[string][]byte{"hashes": append(make([]byte, 32), files["hashes"][32:]...)}, "not the one whose hash", first},
		"an amount of a statement":     {map[string][]byte{"statements.csv": replace(files["statements.csv"], "user-2,earnings-1,-30,", "user-2,earnings-1,-31,")}, "not say", 0},
		"one more posting":             {map[string][]byte{"statements.csv": append(bytes.Clone(files["statements.csv"]), "x\n"...)}, "continues after the last posting", 0},
		"a balance":                    {map[string][]byte{"trial_balance.csv": replace(files["trial_balance.csv"], ",600\n", ",601\n")}, "other bytes", 0},
		"a line of 2 MB":               {map[string][]byte{"events.ndjson": changed(40, append(bytes.Repeat([]byte("x"), 2<<20), '\n'))}, "more than 1048576 bytes", 45},
		"a trial balance line of 2 MB": {map[string][]byte{"trial_balance.csv": bytes.Repeat([]byte("x"), 2<<20)}, "line 1", 0},
		"an account twice":             {map[string][]byte{"trial_balance.csv": []byte("a\nuser-1,1,0,0,1\nuser-1,1,0,0,1\n")}, "line 3: the account user-1 occurs twice", 0},
		"openings without a sum of 0":  {map[string][]byte{"trial_balance.csv": []byte("a\nuser-1,1,0,0,1\n")}, "add up to 1", 0},
		"a huge number of events":      {map[string][]byte{"manifest.json": replace(files["manifest.json"], `"from": 5`, `"from": 1`)}, "hashes: the file has", 0},
		"another origin":               {map[string][]byte{"manifest.json": replace(files["manifest.json"], `"origin": "roomlog`, `"origin": "roomlog2`)}, "another tree", 0},
		"no hashes before":             {map[string][]byte{"manifest.json": regexp.MustCompile(`(?s)"before": .*?\]`).ReplaceAll(files["manifest.json"], []byte(`"before": null`))}, "the hashes before the range", 0},
		"no manifest":                  {map[string][]byte{"manifest.json": {}}, "not a manifest", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forged := rewrite(t, content, c.replaced)
			position := c.position
			if name == "an amount of a statement" {
				position = first + int64(gift)
			}
			expectFault(t, forged, known, nil, c.text, position)
		})
	}
	t.Run("an event with its hash", func(t *testing.T) {
		t.Parallel()
		line := replace(lines[40], `"price":10`, `"price":11`)
		hashes := bytes.Clone(files["hashes"])
		hash := hashOf(t, line)
		copy(hashes[40*32:], hash[:])
		expectFault(t, rewrite(t, content, map[string][]byte{"events.ndjson": changed(40, line), "hashes": hashes}), known, nil, "not in the signed tree", first)
	})
	t.Run("a header with a time", func(t *testing.T) {
		t.Parallel()
		expectFault(t, archiveOf(t, files, time.Unix(1, 0)), known, nil, "checkpoint: the header of the file is damaged", 0)
	})
	t.Run("a copy that is not complete", func(t *testing.T) {
		t.Parallel()
		for _, n := range []int{600, 1023} { // in the file, and in the zeros after it
			expectFault(t, content[:n], known, nil, "checkpoint: the pack ends before the end of the file", 0)
		}
	})
	t.Run("an unknown key", func(t *testing.T) {
		t.Parallel()
		keys, err := transparency.NewKeys([]string{strings.Repeat("x", 32)}, "roomlog/x/1")
		if err != nil {
			t.Fatal(err)
		}
		other, err := transparency.ParseKeys(keys.Public()[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verify(content, other, nil); !errors.Is(err, transparency.ErrSignature) {
			t.Error(err)
		}
	})
	t.Run("no pack", func(t *testing.T) {
		t.Parallel()
		for _, n := range []int{0, 1, 511, 512, 1024, 10240} {
			expectFault(t, make([]byte, n), known, nil, "checkpoint: the header of the file is damaged", 0)
		}
	})
}

// hashOf returns the hash of the event in a line.
func hashOf(t testing.TB, line []byte) tlog.Hash {
	t.Helper()
	var p struct {
		transparency.ProvenEvent
		Payload  json.RawMessage `json:"payload"`
		Metadata json.RawMessage `json:"metadata"`
	}
	if err := json.Unmarshal(line, &p); err != nil {
		t.Fatal(err)
	}
	e := transparency.Event{Position: p.Position, Stream: p.Stream, Version: p.Version, ID: p.ID, Type: p.Type,
		Payload: p.Payload, Metadata: p.Metadata, LiveID: p.LiveID, RecordedAt: p.RecordedAt.UnixMicro()}
	return e.Hash()
}
