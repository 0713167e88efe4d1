package api_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"roomlog/domain"
	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/tree"
)

// TestGiftProof reads proofs of gifts while the secret of the key that signs is replaced. A proof verifies with every key
// that signs at that time, and an old proof still verifies with the old key when only the new one signs.
func TestGiftProof(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	sender, streamer, other := d.account("alice"), d.account("bob"), d.account("carol")
	rose, live := d.gift("Rose <玫瑰>", 10), streamer.onAir("show")
	sender.credit(100)
	send := func() (position int64) {
		receipt := sender.command(domain.SendGift{Live: live, Gift: rose, Num: 1})
		return receipt.Events[0].Position
	}
	position := send()
	path := fmt.Sprintf("/api/gift/%d/proof", position)
	sender.get(path).expectFailure(http.StatusConflict, "proof_not_ready", "证明尚未生成，请稍后再试")

	oldSecret, newSecret := strings.Repeat("o", 32), strings.Repeat("n", 32)
	keyOf := func(secret string) note.Verifiers {
		t.Helper()
		keys, err := transparency.NewKeys([]string{secret}, transparency.Origin(d.store.ID(), 1))
		if err != nil {
			t.Fatal(err)
		}
		known, err := transparency.ParseKeys(keys.Public()[0])
		if err != nil {
			t.Fatal(err)
		}
		return known
	}
	check := func(step string, file []byte, want map[string]bool) {
		t.Helper()
		for secret, ok := range want {
			proof, _, err := transparency.CheckProof(file, keyOf(secret))
			if (err == nil) != ok || err != nil && !errors.Is(err, transparency.ErrSignature) {
				t.Errorf("%s: the key of %.1s verifies: %v, want %v", step, secret, err, ok)
			}
			if err == nil && (proof.Gift == nil || proof.Gift.Coins != 10 || proof.Gift.Sender != int64(sender.ID)) {
				t.Errorf("%s: %s", step, proof.Summary())
			}
		}
	}
	prove := func(secrets ...string) []byte {
		t.Helper()
		follower, err := tree.NewFollower(tree.Config{Store: d.store, Secrets: secrets})
		if err != nil {
			t.Fatal(err)
		}
		stop := d.start(follower.Run)
		defer stop()
		position := send()
		d.eventually(func() error {
			if s := follower.Status(); s.SignedSize < position {
				return fmt.Errorf("signed %d of %d: %w", s.SignedSize, position, s.Err)
			}
			return nil
		})
		a := sender.get(fmt.Sprintf("/api/gift/%d/proof", position))
		if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/json" || a.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %v %s", a.status, a.header, a.raw)
		}
		return a.raw
	}
	first := prove(oldSecret)
	check("before", first, map[string]bool{oldSecret: true, newSecret: false})
	both := prove(newSecret, oldSecret)
	check("while both secrets are set", both, map[string]bool{oldSecret: true, newSecret: true})
	last := prove(newSecret)
	check("afterwards", last, map[string]bool{oldSecret: false, newSecret: true})
	check("an old proof afterwards", first, map[string]bool{oldSecret: true, newSecret: false})

	auditor := d.account("dan").grant(domain.RoleAuditor)
	proven := sender.get(path).raw
	check("a gift that was sent before anything was signed", proven, map[string]bool{newSecret: true})
	for name, a := range map[string]account{"sender": sender, "auditor": auditor} {
		if got := a.get(path); got.status != http.StatusOK || !json.Valid(got.raw) {
			t.Errorf("%s: %d %s", name, got.status, got.raw)
		}
	}
	for _, a := range []account{streamer, other} { // the file contains the balance of the sender
		a.get(path).expectFailure(http.StatusForbidden, domain.CodeForbidden, "您没有权限访问该接口!")
	}
	d.get(path).expectFailure(http.StatusUnauthorized, domain.CodeTokenMissing, "您没有权限访问该接口!")
	sender.get(fmt.Sprintf("/api/gift/%d/proof", position-1)).expectFailure(http.StatusNotFound, domain.CodeGiftRecordNotFound, "礼物记录不存在")
	for _, wrong := range []string{"0", "-1", "x", "01", "9999999999999999999"} {
		if got := sender.get("/api/gift/" + wrong + "/proof"); got.status != http.StatusBadRequest {
			t.Errorf("position %s: %d %s", wrong, got.status, got.raw)
		}
	}
}

// TestCoinProof reads the proof of every event of the log as an auditor. Those that move coins are proven, the others are refused.
func TestCoinProof(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	sender, streamer, auditor := d.account("alice"), d.account("bob"), d.account("dan").grant(domain.RoleAuditor)
	rose, live := d.gift("Rose", 10), streamer.onAir("show")
	sender.credit(100)
	sender.command(domain.SendGift{Live: live, Gift: rose, Num: 1})
	sender.command(domain.PostComment{Live: live, Text: "hello"})
	head, err := d.store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	path := func(position int64) string { return fmt.Sprintf("/api/coin/%d/proof", position) }
	auditor.get(path(head+1)).expectFailure(http.StatusBadRequest, domain.CodeBadRequest, "参数错误")
	secrets := []string{strings.Repeat("s", 32)}
	follower, err := tree.NewFollower(tree.Config{Store: d.store, Secrets: secrets})
	if err != nil {
		t.Fatal(err)
	}
	defer d.start(follower.Run)()
	d.eventually(func() error {
		if s := follower.Status(); s.SignedSize < head {
			return fmt.Errorf("signed %d of %d: %w", s.SignedSize, head, s.Err)
		}
		return nil
	})
	keys, err := transparency.NewKeys(secrets, transparency.Origin(d.store.ID(), 1))
	if err != nil {
		t.Fatal(err)
	}
	known, err := transparency.ParseKeys(keys.Public()[0])
	if err != nil {
		t.Fatal(err)
	}
	records, err := d.store.ReadRaw(t.Context(), 0, 0, head, int(head))
	if err != nil {
		t.Fatal(err)
	}
	var proven []string
	for _, r := range records {
		got := auditor.get(path(r.Position))
		switch r.Type {
		case "coins.credited.v1", "gift.sent.v2":
			proof, _, err := transparency.CheckProof(got.raw, known)
			if got.status != http.StatusOK || err != nil || proof.Event.Position != r.Position || proof.Event.Payload != string(r.Payload) || !strings.Contains(proof.Summary(), r.Type) {
				t.Errorf("%s: %d %v %s", r.Type, got.status, err, got.raw)
			}
			if r.Type == "coins.credited.v1" && !strings.Contains(proof.Summary(), `"balance_after":100`) {
				t.Errorf("the proof says %s", proof.Summary())
			}
			proven = append(proven, r.Type)
			for _, a := range []account{sender, streamer} {
				a.get(path(r.Position)).expectFailure(http.StatusForbidden, domain.CodeForbidden, "您没有权限访问该接口!")
			}
		default:
			got.expectFailure(http.StatusBadRequest, domain.CodeBadRequest, "参数错误")
		}
	}
	if len(proven) != 2 {
		t.Errorf("%v is proven", proven)
	}
}
