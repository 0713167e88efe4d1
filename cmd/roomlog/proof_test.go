package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"

	"roomlog/eventstore/transparency"
)

// proofCase is a file for both checkers.
type proofCase struct {
	File []byte `json:"file"`
	Key  string `json:"key"`
}

// proofReport contains the output of the checker in JavaScript.
type proofReport struct {
	Receipt        *transparency.Gift
	Position, Size int64
	Code           string
}

// proofFiles returns proofs of events of trees of several sizes, signed with one key or with two.
func proofFiles(t *testing.T) (files [][]byte, key, newKey string) {
	t.Helper()
	origin := transparency.Origin("5f0c2a77-3a52-4d6e-9a4b-0c9d1e2f3a4b", 1)
	newKeys := func(secrets ...string) *transparency.Keys {
		keys, err := transparency.NewKeys(secrets, origin)
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	old, fresh := strings.Repeat("o", 32), strings.Repeat("n", 32)
	live := int64(6)
	payloads := []struct{ kind, payload string }{
		{"gift.sent.v1", `{"sender":12,"streamer":7,"live":6,"gift":3,"name":"玫瑰 🌹 <b>&\u0007","image":"","price":30,"num":3,"coins":90,"balance_after":10,"postings":[]}`},
		{"gift.sent.v2", "{\"sender\":12,\"streamer\":7,\"live\":6,\"gift\":3,\"name\":\"a\u2028b\u007f\",\"price\":30,\"num\":1,\"coins\":30,\"balance_after\":0}"},
		{"user.named.v1", " {\"text\" :\t\"\\ud83c\\udf39\"}\r\n"},
	}
	for _, size := range []int64{1, 2, 3, 300} {
		events := make([]transparency.Event, size)
		leaves := make([]tlog.Hash, 0, 2*size)
		reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
			found := make([]tlog.Hash, len(indexes))
			for i, index := range indexes {
				found[i] = leaves[index]
			}
			return found, nil
		})
		for i := range events {
			p := payloads[i%len(payloads)]
			events[i] = transparency.Event{Position: int64(i + 1), Stream: "wallet-12", Version: int64(i), ID: uuid.NewSHA1(uuid.NameSpaceURL, []byte(strconv.Itoa(i))),
				Type: p.kind, Payload: []byte(p.payload), Metadata: []byte(`{"actor": "user-12"}`), LiveID: &live, RecordedAt: 1_790_000_000_000_000 + int64(i)*1_200_300}
			if i%2 == 1 {
				events[i].LiveID = nil
			}
			hashes, err := tlog.StoredHashesForRecordHash(int64(i), events[i].Hash(), reader)
			if err != nil {
				t.Fatal(err)
			}
			leaves = append(leaves, hashes...)
		}
		root, err := tlog.TreeHash(size, reader)
		if err != nil {
			t.Fatal(err)
		}
		keys := newKeys(old)
		if size == 3 {
			keys = newKeys(fresh, old)
		}
		signed, err := keys.Sign(transparency.Checkpoint{Origin: origin, Tree: tlog.Tree{N: size, Hash: root}})
		if err != nil {
			t.Fatal(err)
		}
		for _, position := range []int64{1, (size + 1) / 2, size} {
			proof, err := transparency.NewProof(events[position-1], signed, reader)
			if err != nil {
				t.Fatal(err)
			}
			file, err := proof.Encode()
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
	}
	return files, newKeys(old).Public()[0], newKeys(fresh).Public()[0]
}

// TestProofModule gives good, edited and damaged proofs to the checker in JavaScript and to the one in Go. Both accept the same
// files, and read the same receipts. Every byte of a proof is changed once.
func TestProofModule(t *testing.T) {
	t.Parallel()
	node := need(t, "node", "node")
	module, err := filepath.Abs("../../api/web/assets/proof.js")
	if err != nil {
		t.Fatal(err)
	}
	files, key, newKey := proofFiles(t)
	var cases []proofCase
	for _, file := range files {
		for _, k := range []string{key, newKey, newKey + " " + key, strings.Replace(key, "/1+", "/2+", 1), "x", ""} {
			cases = append(cases, proofCase{file, k})
		}
		cases = append(cases, proofCase{bytes.ReplaceAll(file, []byte("\n"), []byte("\r\n")), key})
		for _, edit := range [][2]string{
			{"{\n", "{"}, {`"roomlog proof 1"`, `"roomlog proof 2"`}, {`"coins": 30`, `"coins": 31`}, {`"index": `, `"index": 1`}, {`"index": `, `"index": -`}, {`"price": 30,`, `"price": 3e1,`},
			{`"version": 0`, `"version": -0`}, {`"version": 0`, `"version": 00`}, {"Z\"", "+00:00\""}, {".2003", ".20030"}, {"user-12", "user\\u002d12"}, {"🌹", `\ud83c\udf39`}, {"🌹", `\ud83c`},
			{`"metadata"`, `"Metadata"`}, {`"index"`, `"more": 1, "index"`}, {`"live_id": 6`, `"live_id": null`}, {`"num": 1,`, `"num": 9007199254740993,`}, {"\\n\\n—", "\\nx\\n\\n—"}, {"—", "-"},
			{"inclusion_proof\": [", "inclusion_proof\": [\"" + strings.Repeat("A", 43) + "=\","}, {`  "gift": {`, `  "gift": null, "gift": {`}, {`\u2028`, "\u2028"}, {"}\n", "}\n\n"}, {"}\n", "}"},
		} {
			if forged := bytes.Replace(file, []byte(edit[0]), []byte(edit[1]), 1); !bytes.Equal(forged, file) {
				cases = append(cases, proofCase{forged, key})
			}
		}
	}
	for _, file := range [][]byte{files[0], files[8], files[10]} {
		for i := range file {
			damaged := bytes.Clone(file)
			damaged[i] ^= 1 << (i % 8)
			cases = append(cases, proofCase{damaged, key})
		}
	}

	var in bytes.Buffer
	encoder := json.NewEncoder(&in)
	for _, c := range cases {
		if err := encoder.Encode(c); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), node, "--no-warnings", "testdata/clients/page/proof.mjs", module)
	var faults strings.Builder
	cmd.Stdin, cmd.Stderr = &in, &faults
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, faults.String())
	}
	lines := bufio.NewScanner(bytes.NewReader(out))
	accepted := 0
	for i, c := range cases {
		var got proofReport
		if !lines.Scan() {
			t.Fatalf("the module has checked %d of %d files", i, len(cases))
		}
		if err := json.Unmarshal(lines.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		var want proofReport
		known, err := transparency.ParseKeys(c.Key)
		if err == nil {
			proof, checkpoint, checkErr := transparency.CheckProof(c.File, known)
			want, err = proofReport{Receipt: proof.Gift, Position: proof.Event.Position, Size: checkpoint.N}, checkErr
		}
		switch {
		case err != nil && got.Code == "":
			t.Errorf("case %d: the module accepts what Go refuses (%v):\n%s", i, err, c.File)
		case err == nil && !reflect.DeepEqual(got, want):
			t.Errorf("case %d: the module reports %+v, want %+v:\n%s", i, got, want, c.File)
		case err == nil:
			accepted++
		}
	}
	// Three keys of six know a signature of the files with two, and two of the others. All files may have other line ends.
	if least := 2 * len(files); accepted < least {
		t.Errorf("%d files were accepted, want at least %d", accepted, least)
	}
	t.Logf("%d of %d files were accepted", accepted, len(cases))
}
