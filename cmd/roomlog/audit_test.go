package main_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"roomlog/eventstore/transparency/witness"
)

var signedSize = regexp.MustCompile(`(?m)^roomlog/\S+/\d+\n(\d+)$`)

// signedUpTo waits until a signed checkpoint of the server covers a position, and returns the checkpoint.
func (p *process) signedUpTo(position int64) (signed []byte) {
	p.t.Helper()
	eventually(p.t, "a signed checkpoint covers the position", func() bool {
		size := int64(0)
		response, err := http.Get("http://" + p.addr + "/tlog/checkpoint")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		if signed, err = io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK {
			return false
		}
		if m := signedSize.FindSubmatch(signed); m != nil {
			_, _ = fmt.Sscan(string(m[1]), &size)
		}
		return size >= position
	})
	return signed
}

// TestAuditOfAGift proves a gift with a running server, checks the proof when the server has gone, and checks the log
// against a checkpoint that was kept.
func TestAuditOfAGift(t *testing.T) {
	t.Parallel()
	elsewhere := t.TempDir()
	_, witnessKey, err := witness.OpenCosigner(filepath.Join(elsewhere, "witness"), "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t), "--witnesses", witnessKey}, unhurried...)...)
	at.roomlog("gift", "add", "--name", "Rose", "--coin", "30")
	anna, bert := join(t, at, "anna"), join(t, at, "bert")
	live := anna.open("Anna's room")
	at.roomlog("coins", "credit", "--user", fmt.Sprint(bert.id), "--amount", "100", "--order", "o1")
	b := bert.connect("")
	enter(t, b, live, "")
	sent := into[struct{ Pos int64 }](t, b.must("gift.send", map[string]any{"live": live, "gift": 1, "num": 3}, "g1"))

	dir := t.TempDir()
	file, kept := filepath.Join(dir, "gift.json"), filepath.Join(dir, "checkpoint")
	if err := os.WriteFile(kept, at.signedUpTo(sent.Pos), 0o600); err != nil {
		t.Fatal(err)
	}
	key := strings.TrimSpace(at.roomlog("audit", "key"))
	if !strings.Contains(at.output(), "public_key="+key) {
		t.Errorf("the server did not log its public key %s", key)
	}
	if out := at.roomlog("audit", "status"); !strings.Contains(out, "public key "+key) || !strings.Contains(out, "newest checkpoint:") {
		t.Error(out)
	}
	at.roomlog("audit", "gift", fmt.Sprint(sent.Pos), "--out", file)
	if out := at.roomlog("verify", "--quiet", "--checkpoint", kept, "--key", key); !strings.Contains(out, "ok: ") {
		t.Error(out)
	}
	if out, code := at.try("audit", "gift", "1"); code != 1 || !strings.Contains(out, "not a gift") {
		t.Errorf("a proof of another event: %d, %s", code, out)
	}
	posted := into[struct{ Pos int64 }](t, b.must("comment.post", map[string]any{"live": live, "text": "thanks"}, "c1"))
	at.signedUpTo(max(posted.Pos, sent.Pos+1))
	anchored := filepath.Join(elsewhere, "anchored") // a checkpoint of a larger tree than that of kept
	if out := at.roomlog("witness", "http://"+at.addr, "--key", key, "--data", elsewhere, "--name", "witness.example", "--anchor", anchored, "--once"); !strings.Contains(out, "ok: size ") {
		t.Error(out)
	}
	if out := at.roomlog("audit", "status"); !strings.Contains(out, "cosigned up to position ") || !strings.Contains(out, witnessKey) {
		t.Error(out)
	}
	if ready := string(at.fetch("/readyz")); !strings.Contains(ready, `"transparency":"ok, anchored up to `) {
		t.Error(ready)
	}
	if out := at.roomlog("verify", "--quiet", "--checkpoint", anchored, "--key", key); !strings.Contains(out, "ok: ") || !strings.Contains(out, "cosigned up to position ") {
		t.Error(out)
	}
	all, first, second := filepath.Join(dir, "all.pack"), filepath.Join(dir, "first.pack"), filepath.Join(dir, "second.pack")
	at.roomlog("audit", "pack", "--from", "2020-01-01", "--to", time.Now().UTC().Format(time.RFC3339Nano), "--out", all)
	at.roomlog("audit", "pack", "--checkpoint", kept, "--to", fmt.Sprint(sent.Pos-1), "--out", first)
	at.roomlog("audit", "pack", "--checkpoint", kept, "--from", fmt.Sprint(sent.Pos), "--out", second)
	for _, wrong := range [][]string{{"--from", "yesterday"}, {"--to", "0"}, {"--from", "2120-01-01"}, {"--to", "2120-01-01"}, {"--from", "999999"}, {"--to", "999999"}, {"--checkpoint", file}} {
		if out, code := at.try(append([]string{"audit", "pack", "--out", filepath.Join(dir, "wrong.pack")}, wrong...)...); code != 1 && code != 2 {
			t.Errorf("%v: %d, %s", wrong, code, out)
		}
	}
	at.stop()

	verify := func(key string, packs ...string) (string, int) {
		return at.try(append([]string{"audit", "verify", "--key", key}, packs...)...)
	}
	if out, code := verify(key, all); code != 0 || !strings.Contains(out, "4 postings, 3 accounts\nok: ") {
		t.Errorf("%d, %s", code, out)
	}
	if out, code := verify(key, "--checkpoint", anchored, "--checkpoint", anchored, all); code != 0 || !strings.Contains(out, "1 of 1 kept checkpoints are those of the tree\n") {
		t.Errorf("%d, %s", code, out)
	}
	if out, code := verify(key, "--checkpoint", anchored, "--checkpoint", kept, first, second); code != 0 || !strings.Contains(out, "1 of 2 kept checkpoints are those of the tree; the packs cannot be compared with the others\n") {
		t.Errorf("%d, %s", code, out)
	}
	if out, code := verify(key, first, second); code != 0 || strings.Contains(out, "states") {
		t.Errorf("%d, %s", code, out)
	}
	if out, code := verify(key, second); code != 0 || !strings.Contains(out, "the balances before this range are what the operator states") {
		t.Errorf("%d, %s", code, out)
	}
	if out, code := verify(key, second, first); code != 3 || !strings.Contains(out, "do not continue the pack before") {
		t.Errorf("%d, %s", code, out)
	}
	if out, code := verify(strings.Replace(key, "/1+", "/2+", 1), all); code == 0 {
		t.Errorf("another key: %d, %s", code, out)
	}
	changed := filepath.Join(dir, "changed.pack")
	packed, err := os.ReadFile(all)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(changed, []byte(strings.Replace(string(packed), `"coins":90`, `"coins":91`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := verify(key, changed); code != 3 || !strings.Contains(out, fmt.Sprintf("position %d: ", sent.Pos)) {
		t.Errorf("a changed gift: %d, %s", code, out)
	}

	check := func(file, key string) (string, int) {
		return at.try("audit", "check", file, "--key", key) // uses neither the server nor its database
	}
	if out, code := check(file, key); code != 0 || !strings.Contains(out, `gave 3 × "Rose" (gift 1)`) || !strings.Contains(out, "ok: the event is in the signed tree") {
		t.Errorf("%d, %s", code, out)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	forged := filepath.Join(dir, "forged.json")
	if err := os.WriteFile(forged, []byte(strings.ReplaceAll(string(content), "90", "91")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := check(forged, key); code != 3 {
		t.Errorf("a forged proof: %d, %s", code, out)
	}
	if out, code := check(file, strings.Replace(key, "/1+", "/2+", 1)); code == 0 {
		t.Errorf("another key: %d, %s", code, out)
	}
}
