package pack_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"roomlog/domain"
	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/pack"
	"roomlog/eventstore/transparency/tree"
	"roomlog/projections/ledger"
	"roomlog/projections/projtest"
)

// world is a log with gifts whose tree covers all events.
type world struct {
	*projtest.World
	bob projtest.User
}

// newWorld returns a log with coin events at its beginning and at its end. Its tree has several tiles.
func newWorld(t *testing.T) *world {
	w := &world{World: projtest.New(t)}
	rose := w.AddGift("rose <玫瑰>", 30)
	anna, bob := w.Register("anna"), w.Register("bob")
	w.bob = bob
	live := anna.GoLive("cooking")
	bob.Credit(1000)
	bob.Send(domain.JoinLive{Live: live, Node: "p1"})
	for i := range 5 {
		bob.Send(domain.SendGift{Live: live, Gift: rose, Num: 1 + i})
	}
	for i := range 600 {
		w.AddGift(fmt.Sprintf("gift %d", i), 10)
	}
	anna.Credit(500)
	for range 5 {
		bob.Send(domain.SendGift{Live: live, Gift: rose, Num: 1})
		bob.Send(domain.PostComment{Live: live, Text: "lovely"})
	}
	w.GrowTree()
	return w
}

// signed returns the newest signed checkpoint and the keys that check it.
func (w *world) signed() ([]byte, note.Verifiers) {
	w.Helper()
	s, err := tree.ReadState(w.Context(), w.Pool)
	if err != nil {
		w.Fatal(err)
	}
	known, err := transparency.ParseKeys(s.Keys)
	if err != nil {
		w.Fatal(err)
	}
	return s.Signed, known
}

func (w *world) write(ctx context.Context, r pack.Range, path string) error {
	return pgx.BeginTxFunc(ctx, w.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		return pack.Write(ctx, tx, r, path)
	})
}

// pack returns the bytes of the pack of a range.
func (w *world) pack(from, to int64) []byte {
	w.Helper()
	signed, _ := w.signed()
	path := filepath.Join(w.TempDir(), "pack")
	if err := w.write(w.Context(), pack.Range{From: from, To: to, Signed: signed}, path); err != nil {
		w.Fatalf("positions %d to %d: %v", from, to, err)
	}
	return w.read(path)
}

func (w *world) read(path string) []byte {
	w.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		w.Fatal(err)
	}
	return content
}

func verify(content []byte, known note.Verifiers, before *pack.Report) (pack.Report, error) {
	return pack.Verify(context.Background(), bytes.NewReader(content), int64(len(content)), known, before)
}

// TestKeptCheckpoints compares packs with checkpoints that were stored in a file earlier, and finds that one of them is of
// another history.
func TestKeptCheckpoints(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	signed, known := w.signed()
	head := w.Head()
	keys, err := transparency.NewKeys([]string{projtest.TreeSecret}, transparency.Origin(w.Store.ID(), 1))
	if err != nil {
		t.Fatal(err)
	}
	events, err := tree.ReadEvents(t.Context(), w.Pool, 0, head, int(head))
	if err != nil {
		t.Fatal(err)
	}
	at := func(size int64) transparency.Checkpoint {
		edge := &transparency.Edge{}
		for _, e := range events[:size] {
			edge.Append(e.Hash())
		}
		return transparency.Checkpoint{Origin: keys.Origin(), Tree: edge.Tree()}
	}
	content := []byte("roomlog/cut\n4") // by a power failure
	for _, size := range []int64{3, 256, 300, head} {
		one, err := keys.Sign(at(size))
		if err != nil {
			t.Fatal(err)
		}
		content = append(append(content, '\n'), one...)
	}
	path := filepath.Join(t.TempDir(), "checkpoints")
	if err := os.WriteFile(path, append(content, "roomlog/cut\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	stored, err := transparency.ReadCheckpoints(path, known)
	if err != nil || len(stored) != 4 || stored[3].N != head {
		t.Fatalf("%v, %v", stored, err)
	}
	for _, tt := range []struct {
		from, to int64
		compared int
	}{{1, head, 4}, {257, head, 3}, {258, 299, 1}, {301, head, 2}, {1, 2, 1}} {
		content := w.pack(tt.from, tt.to)
		report, err := pack.Verify(t.Context(), bytes.NewReader(content), int64(len(content)), known, nil, stored...)
		if err != nil || len(report.Compared) != tt.compared {
			t.Errorf("positions %d to %d: compared %v, want %d checkpoints, %v", tt.from, tt.to, report.Compared, tt.compared, err)
		}
	}
	other := at(300)
	other.Hash[0] ^= 1
	for _, tt := range []struct {
		from, to int64
		wrong    transparency.Checkpoint
	}{{1, head, other}, {301, head, other}, {1, head, transparency.Checkpoint{Origin: transparency.Origin(w.Store.ID(), 2), Tree: at(300).Tree}},
		{1, 5, transparency.Checkpoint{Origin: keys.Origin(), Tree: tlog.Tree{N: head, Hash: other.Hash}}}} {
		content := w.pack(tt.from, tt.to)
		var fault *pack.Fault
		if _, err := pack.Verify(t.Context(), bytes.NewReader(content), int64(len(content)), known, nil, tt.wrong); !errors.As(err, &fault) || fault.Position != tt.wrong.N {
			t.Errorf("positions %d to %d with %s: %v", tt.from, tt.to, tt.wrong, err)
		}
	}
	for _, wrong := range []string{"", "hello\n", string(signed[:len(signed)-5])} {
		if err := os.WriteFile(path, []byte(wrong), 0o600); err != nil {
			t.Fatal(err)
		}
		if all, err := transparency.ReadCheckpoints(path, known); err == nil {
			t.Errorf("%q is read as %v", wrong, all)
		}
	}
}

// filesOf returns the files of a pack, as another program reads them.
func filesOf(t testing.TB, content []byte) map[string][]byte {
	t.Helper()
	files, r := map[string][]byte{}, tar.NewReader(bytes.NewReader(content))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

// rows returns the lines of a CSV file by column.
func rows(t testing.TB, content []byte) (all []map[string]string) {
	t.Helper()
	lines, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, name := range lines[0] {
			row[name] = line[i]
		}
		all = append(all, row)
	}
	return all
}

// TestPackOfTheLog reads the pack of a whole log with other programs and with Verify.
func TestPackOfTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	content := w.pack(1, w.Head())
	if !bytes.Equal(content, w.pack(1, w.Head())) {
		t.Error("the same range and checkpoint gave other bytes")
	}
	_, known := w.signed()
	report, err := verify(content, known, nil)
	if err != nil || !report.Proven || report.To != w.Head() || report.TreeSize != w.Head() || report.Postings != 2*12 || report.Accounts != 4 {
		t.Fatalf("%+v, %v", report, err)
	}
	files := filesOf(t, content)
	if got := len(files); got != len(pack.FileNames) {
		t.Errorf("%d files", got)
	}
	for _, f := range report.Files {
		if sum := sha256.Sum256(files[f.Name]); hex.EncodeToString(sum[:]) != f.SHA256 || f.Bytes != int64(len(files[f.Name])) {
			t.Errorf("%s is not the file in the manifest", f.Name)
		}
	}
	edge := &transparency.Edge{} // computes the root in another way
	for hash := range slices.Chunk(files["hashes"], tlog.HashSize) {
		edge.Append(tlog.Hash(hash))
	}
	if edge.Tree() != report.Checkpoint.Tree {
		t.Errorf("the hashes have the root %v, not %v", edge.Tree(), report.Checkpoint.Tree)
	}
	for line := range bytes.Lines(files["events.ndjson"]) {
		var event struct{ Payload, Metadata map[string]any }
		if err := json.Unmarshal(line, &event); err != nil || event.Metadata["actor"] == nil {
			t.Fatalf("%v in %s", err, line)
		}
	}
	closing := map[string]string{}
	for _, row := range rows(t, files["trial_balance.csv"]) {
		closing[row["account"]] = row["closing"]
	}
	if want := map[string]string{"earnings-1": "600", "operator": "-1500", "user-1": "500", "user-2": "400"}; fmt.Sprint(closing) != fmt.Sprint(want) {
		t.Errorf("balances %v, want %v", closing, want)
	}
	statement := rows(t, files["statements.csv"])
	last := statement[len(statement)-1]
	for column, want := range map[string]string{"account": "earnings-1", "counterparty": "user-2", "amount": "30", "balance": "600", "type": "gift.sent.v2",
		"order": "", "live": "1", "gift": "1", "actor": "user-2"} {
		if last[column] != want {
			t.Errorf("%s of the last posting is %q, want %q", column, last[column], want)
		}
	}
}

// TestPackAgreesWithTheLedger compares the trial balance of packs, which is computed from their events, with the balances in
// the tables as of the same position.
func TestPackAgreesWithTheLedger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	defer w.Project()()
	w.CatchUp()
	random := rand.New(rand.NewPCG(3, 4))
	compared := 0
	for range 20 {
		upTo := 1 + random.Int64N(w.Head())
		closing := map[string]string{}
		for _, row := range rows(t, filesOf(t, w.pack(1, upTo))["trial_balance.csv"]) {
			if row["closing"] != "0" {
				closing[row["account"]] = row["closing"]
			}
		}
		balances := map[string]string{}
		err := ledger.Snapshot(t.Context(), w.Pool, func(l *ledger.Ledger) error {
			accounts, err := l.Accounts(t.Context(), upTo, "", 100)
			for _, a := range accounts {
				if a.Balance != 0 {
					balances[string(a.Account)] = fmt.Sprint(a.Balance)
				}
			}
			return err
		})
		if err != nil || fmt.Sprint(closing) != fmt.Sprint(balances) {
			t.Errorf("up to %d: the pack has the balances %v, the ledger %v (%v)", upTo, closing, balances, err)
		}
		compared += len(balances)
	}
	if compared == 0 {
		t.Error("no account has a balance")
	}
}

// TestPackOfARange verifies packs of many ranges, and packs that continue each other.
func TestPackOfARange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, known := w.signed()
	random, head := rand.New(rand.NewPCG(1, 2)), w.Head()
	ranges := [][2]int64{{1, 1}, {head, head}, {2, head - 1}, {256, 257}, {257, 512}, {513, 513}, {1, 256}}
	for range 20 {
		from := 1 + random.Int64N(head)
		ranges = append(ranges, [2]int64{from, from + random.Int64N(head-from+1)})
	}
	for _, r := range ranges {
		report, err := verify(w.pack(r[0], r[1]), known, nil)
		if err != nil || report.From != r[0] || report.To != r[1] || report.Proven != (r[0] == 1) {
			t.Errorf("positions %v: %+v, %v", r, report, err)
		}
	}
	var before *pack.Report
	for _, r := range [][2]int64{{1, 11}, {12, 12}, {13, 300}, {301, 620}, {621, head}} {
		report, err := verify(w.pack(r[0], r[1]), known, before)
		if err != nil || !report.Proven {
			t.Fatalf("positions %v: %+v, %v", r, report, err)
		}
		before = &report
	}
	first, err := verify(w.pack(1, 100), known, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.AddGift("another", 10)
	w.GrowTree()
	if _, err := verify(w.pack(101, w.Head()), known, &first); err != nil {
		t.Errorf("a pack with a newer checkpoint: %v", err)
	}
	expectFault(t, w.pack(102, 200), known, &first, "do not continue the pack before", 0)
	expectFault(t, w.pack(1, 100), known, &first, "do not continue the pack before", 0)
}

func expectFault(t *testing.T, content []byte, known note.Verifiers, before *pack.Report, text string, position int64) {
	t.Helper()
	_, err := verify(content, known, before)
	var fault *pack.Fault
	switch {
	case !errors.As(err, &fault):
		t.Errorf("%v, want a fault: %s", err, text)
	case !strings.Contains(fault.Error(), text) || fault.Position != position:
		t.Errorf("%v, want %q at position %d", fault, text, position)
	}
}

// TestForgottenPerson compares packs that were written before and after a person is forgotten.
func TestForgottenPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	signed, known := w.signed()
	head := w.Head()
	before := w.pack(1, head)
	if bytes.Contains(before, []byte("lovely")) {
		t.Error("the pack contains a text of a user")
	}
	w.Do(domain.ForgetUser{User: w.bob.ID})
	w.GrowTree()
	after := filepath.Join(t.TempDir(), "after")
	if err := w.write(t.Context(), pack.Range{From: 1, To: head, Signed: signed}, after); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, w.read(after)) {
		t.Error("the pack with the same checkpoint has changed")
	}
	for name, content := range map[string][]byte{"before": before, "after": w.pack(1, w.Head())} {
		report, err := verify(content, known, nil)
		if err != nil || report.Postings != 2*12 {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
	}
}

// fragile is a connection that is lost after a number of queries.
type fragile struct {
	pgx.Tx
	left int
}

var errLost = errors.New("the connection is lost")

func (f *fragile) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if f.left--; f.left < 0 {
		return nil, errLost
	}
	return f.Tx.Query(ctx, sql, args...)
}

func (f *fragile) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if f.left--; f.left < 0 {
		return lostRow{}
	}
	return f.Tx.QueryRow(ctx, sql, args...)
}

type lostRow struct{}

func (lostRow) Scan(...any) error { return errLost }

// TestPackIsCutAtAnyMoment loses the connection at each query. An existing file stays as it was, until the new pack is
// complete.
func TestPackIsCutAtAnyMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	signed, known := w.signed()
	dir := t.TempDir()
	path := filepath.Join(dir, "pack")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	cuts := 0
	for ; ; cuts++ {
		err := pgx.BeginTxFunc(t.Context(), w.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
			return pack.Write(t.Context(), &fragile{tx, cuts}, pack.Range{From: 20, To: w.Head(), Signed: signed}, path)
		})
		if err == nil {
			break
		}
		if !errors.Is(err, errLost) {
			t.Fatal(err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 1 || string(w.read(path)) != "old" {
			t.Fatalf("after %d queries the folder has %v, %v", cuts, left, err)
		}
	}
	if _, err := verify(w.read(path), known, nil); err != nil || cuts < 5 {
		t.Errorf("after %d cuts: %v", cuts, err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pack.Verify(canceled, bytes.NewReader(w.read(path)), int64(len(w.read(path))), known, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled verification: %v", err)
	}
}

// TestPackOfAnotherLog writes packs of a log that is not the one that was signed.
func TestPackOfAnotherLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	signed, _ := w.signed()
	path := filepath.Join(t.TempDir(), "pack")
	for _, r := range []pack.Range{{From: 0, To: 1}, {From: 2, To: 1}, {From: 1, To: w.Head() + 1}} {
		r.Signed = signed
		if err := w.write(t.Context(), r, path); !errors.Is(err, tree.ErrNotSigned) {
			t.Errorf("positions %d to %d: %v", r.From, r.To, err)
		}
	}
	c, err := transparency.ParseCheckpoint(signed)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := transparency.NewKeys([]string{projtest.TreeSecret}, c.Origin)
	if err != nil {
		t.Fatal(err)
	}
	c.Hash[0] ^= 1
	other, err := keys.Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.write(t.Context(), pack.Range{From: 5, To: 6, Signed: other}, path); !errors.Is(err, transparency.ErrProof) {
		t.Errorf("another root: %v", err)
	}
	if err := w.write(t.Context(), pack.Range{From: 1, To: c.N, Signed: other}, path); !errors.Is(err, transparency.ErrProof) {
		t.Errorf("another root of all events: %v", err)
	}
	w.edit("UPDATE events SET payload = '{}' WHERE position = 300")
	err = w.write(t.Context(), pack.Range{From: 1, To: c.N, Signed: signed}, path)
	if !errors.Is(err, transparency.ErrProof) || !strings.Contains(err.Error(), "position 300 ") {
		t.Errorf("a changed event: %v", err)
	}
	if err := w.write(t.Context(), pack.Range{From: 301, To: c.N, Signed: signed}, path); err != nil {
		t.Errorf("events after the changed one: %v", err)
	}
	w.edit("DELETE FROM events WHERE position = 400")
	err = w.write(t.Context(), pack.Range{From: 301, To: c.N, Signed: signed}, path)
	if !errors.Is(err, transparency.ErrProof) || !strings.Contains(err.Error(), "position 400 ") {
		t.Errorf("a missing event: %v", err)
	}
}

// edit executes a statement for which no triggers run.
func (w *world) edit(sql string) {
	w.Helper()
	err := pgx.BeginFunc(w.Context(), w.DB.Owner, func(tx pgx.Tx) (err error) {
		if _, err = tx.Exec(w.Context(), "SET LOCAL session_replication_role = replica"); err == nil {
			_, err = tx.Exec(w.Context(), sql)
		}
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
}

// TestPackOfAWrongPosting writes packs of a log with a coin event that contradicts the bookkeeping, before and after an
// operator sets the event aside.
func TestPackOfAWrongPosting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	position := w.Head() + 1
	version := w.Int("SELECT max(version) + 1 FROM events WHERE stream = 'wallet-2'")
	w.Forge(position, "wallet-2", int(version), "coins.credited.v1",
		`{"user":2,"order":"x","coins":5,"balance_after":999,"postings":[{"account":"provider","amount":-5},{"account":"user-2","amount":5}]}`, 0)
	w.GrowTree()
	signed, known := w.signed()
	path := filepath.Join(t.TempDir(), "pack")
	var fault *pack.Fault
	if err := w.write(t.Context(), pack.Range{From: 1, To: position, Signed: signed}, path); !errors.As(err, &fault) || fault.Position != position {
		t.Errorf("got %v, want a fault at position %d", err, position)
	}
	expectFault(t, w.read(path), known, nil, "the event states a balance of 999 coins, its history adds up to 405", position)
	w.Do(domain.SetEventAside{Position: position, Of: "wallet-2", EventType: "coins.credited.v1", Reason: "forged"})
	w.GrowTree()
	report, err := verify(w.pack(1, w.Head()), known, nil)
	if err != nil || report.SetAside != 1 || report.Postings != 2*12 {
		t.Errorf("%+v, %v", report, err)
	}
	if report, err = verify(w.pack(position+1, w.Head()), known, nil); err != nil || report.SetAside != 0 {
		t.Errorf("a pack that begins after the event: %+v, %v", report, err)
	}
}

// TestPackOfAnotherHistory verifies a pack after one of another history that the same server has signed.
func TestPackOfAnotherHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, known := w.signed()
	one, err := verify(w.pack(1, 100), known, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.edit("UPDATE events SET payload = replace(payload::text, '10', '11')::json WHERE position = 50")
	w.edit("DELETE FROM tlog_tile")
	w.edit("UPDATE tlog_tree SET size = 0, event_id = NULL")
	w.edit("DELETE FROM tlog_checkpoint")
	w.GrowTree()
	other := w.pack(101, 200)
	if _, err := verify(other, known, nil); err != nil {
		t.Fatal(err)
	}
	expectFault(t, other, known, &one, "the server has signed two histories", 0)
}

// bigLog returns n events of a log with a credit and gifts of one user.
func bigLog(n int) func(yield func(transparency.Event) bool) {
	return func(yield func(transparency.Event) bool) {
		balance, at := 1<<40, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
		live := int64(1)
		for i := range n {
			e := transparency.Event{Position: int64(i) + 1, Stream: "gift-1", Version: int64(i) + 1, Type: "gift.repriced.v1", RecordedAt: at + int64(i),
				Payload: []byte(`{"gift":1,"from":30,"to":31,"reason":"` + strings.Repeat("x", 100) + `"}`), Metadata: []byte(`{"actor":"user-2"}`)}
			switch {
			case i == 0:
				e.Stream, e.Type = "wallet-2", "coins.credited.v1"
				e.Payload = fmt.Appendf(nil, `{"user":2,"order":"o","coins":%d,"balance_after":%d,"postings":[{"account":"provider","amount":-%[1]d},{"account":"user-2","amount":%[1]d}]}`, balance, balance)
			case i%5 == 0:
				balance -= 30
				e.Stream, e.Type, e.LiveID = "wallet-2", "gift.sent.v2", &live
				e.Payload = []byte(`{"sender":2,"streamer":1,"live":1,"gift":1,"name":"rose","image":"","price":30,"num":1,"coins":30,"balance_after":` + strconv.Itoa(balance) +
					`,"postings":[{"account":"user-2","amount":-30},{"account":"earnings-1","amount":30}]}`)
			}
			if !yield(e) {
				return
			}
		}
	}
}
