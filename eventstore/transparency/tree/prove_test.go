package tree_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"roomlog/domain"
	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/tree"
)

// prove returns the proof of a position.
func (w *world) prove(position int64) (p transparency.Proof, err error) {
	w.Helper()
	err = pgx.BeginTxFunc(w.Context(), w.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) (err error) {
		p, err = tree.Prove(w.Context(), tx, position)
		return err
	})
	return p, err
}

// giftWorld is a log in which anna has received a gift, at the returned position.
func giftWorld(t *testing.T) (*world, int64) {
	w := newWorld(t)
	rose := w.AddGift("rose <玫瑰>", 30)
	anna, bob := w.Register("anna"), w.Register("bob")
	live := anna.GoLive("cooking")
	bob.Credit(100)
	bob.Send(domain.JoinLive{Live: live, Node: "p1"})
	position := bob.Send(domain.SendGift{Live: live, Gift: rose, Num: 3}).Position
	w.append(20)
	return w, position
}

// TestProofOfAGift writes the proof of a gift and checks it without the database, with both libraries. Every file that
// differs in one bit is refused.
func TestProofOfAGift(t *testing.T) {
	t.Parallel()
	w, position := giftWorld(t)
	if _, err := w.prove(position); !errors.Is(err, tree.ErrNotSigned) {
		t.Errorf("without a checkpoint: %v", err)
	}
	w.extend(w.follower())
	p, err := w.prove(position)
	if err != nil {
		t.Fatal(err)
	}
	file, err := p.Encode()
	if err != nil || len(file) > 4096 {
		t.Fatalf("%d bytes, %v", len(file), err)
	}
	public := strings.Fields(w.state().Keys)[0]
	known, err := transparency.ParseKeys(public)
	if err != nil {
		t.Fatal(err)
	}
	got, c, err := transparency.CheckProof(file, known)
	if err != nil || got.Gift == nil || *got.Gift != *p.Gift || got.Gift.Coins != 90 || got.Gift.BalanceAfter != 10 || c.N != w.Head() {
		t.Fatalf("%+v, %s, %v", got, c, err)
	}
	if text := got.Summary(); !strings.Contains(text, `gave 3 × "rose <玫瑰>" (gift 1)`) || !strings.Contains(text, fmt.Sprintf("position %d: gift.sent.v2", position)) {
		t.Error(text)
	}
	events, err := tree.ReadEvents(t.Context(), w.Pool, position-1, position, 1)
	if err != nil {
		t.Fatal(err)
	}
	var path [][]byte
	for _, h := range got.Inclusion {
		path = append(path, h[:])
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(events[0].AppendEntry(nil))
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(got.Index), uint64(c.N), leaf, path, c.Hash[:]); err != nil {
		t.Errorf("the second library: %v", err)
	}
	for i := range file {
		for bit := range 8 {
			forged := bytes.Clone(file)
			forged[i] ^= 1 << bit
			if _, _, err := transparency.CheckProof(forged, known); !errors.Is(err, transparency.ErrProof) && !errors.Is(err, transparency.ErrSignature) {
				t.Errorf("byte %d (%q), bit %d: %v", i, file[i], bit, err)
			}
		}
	}
	other, err := transparency.NewKeys([]string{strings.Repeat("x", 32)}, c.Origin)
	if err != nil {
		t.Fatal(err)
	}
	unknown, err := transparency.ParseKeys(other.Public()[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := transparency.CheckProof(file, unknown); !errors.Is(err, transparency.ErrSignature) {
		t.Errorf("with another key: %v", err)
	}
}

// TestForgedProofs checks proofs whose members are valid but do not belong together.
func TestForgedProofs(t *testing.T) {
	t.Parallel()
	w, position := giftWorld(t)
	w.extend(w.follower())
	known, err := transparency.ParseKeys(w.state().Keys)
	if err != nil {
		t.Fatal(err)
	}
	good, err := w.prove(position)
	if err != nil {
		t.Fatal(err)
	}
	next, err := w.prove(position + 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*transparency.Proof){
		"another receipt":          func(p *transparency.Proof) { g := *p.Gift; g.Coins++; p.Gift = &g },
		"no receipt":               func(p *transparency.Proof) { p.Gift = nil },
		"a receipt of no gift":     func(p *transparency.Proof) { p.Event, p.Index, p.Inclusion = next.Event, next.Index, next.Inclusion },
		"another event":            func(p *transparency.Proof) { p.Event, p.Gift = next.Event, nil },
		"another index":            func(p *transparency.Proof) { p.Index++ },
		"another position":         func(p *transparency.Proof) { p.Event.Position++; p.Index++ },
		"a position before 1":      func(p *transparency.Proof) { p.Event.Position, p.Index = 0, -1 },
		"a position after the end": func(p *transparency.Proof) { p.Event.Position, p.Index = 1000, 999 },
		"another path":             func(p *transparency.Proof) { p.Inclusion = next.Inclusion },
		"no path":                  func(p *transparency.Proof) { p.Inclusion = nil },
		"another format":           func(p *transparency.Proof) { p.Format = "roomlog proof 2" },
		"another time":             func(p *transparency.Proof) { p.Event.RecordedAt = p.Event.RecordedAt.Add(time.Microsecond) },
		"a time with more digits":  func(p *transparency.Proof) { p.Event.RecordedAt = p.Event.RecordedAt.Add(time.Nanosecond) },
		"another time zone": func(p *transparency.Proof) {
			p.Event.RecordedAt = p.Event.RecordedAt.In(time.FixedZone("", 3600))
		},
	} {
		p := good
		change(&p)
		file, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := transparency.CheckProof(file, known); !errors.Is(err, transparency.ErrProof) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, file := range []string{"", "{}", "null", "[]", `{"format":"roomlog proof 1"}`} {
		if _, _, err := transparency.CheckProof([]byte(file), known); !errors.Is(err, transparency.ErrProof) {
			t.Errorf("%q: %v", file, err)
		}
	}
}

// TestChangedEventsAreNotProven checks that no proof is written for an event that was edited, or that is missing.
func TestChangedEventsAreNotProven(t *testing.T) {
	t.Parallel()
	w, position := giftWorld(t)
	w.extend(w.follower())
	w.mustEdit(fmt.Sprintf("UPDATE events SET payload = replace(payload::text, '90', '91')::json WHERE position = %d", position))
	if _, err := w.prove(position); !errors.Is(err, transparency.ErrProof) {
		t.Errorf("an edited event: %v", err)
	}
	w.mustEdit(fmt.Sprintf("DELETE FROM events WHERE position = %d", position))
	if _, err := w.prove(position); err == nil || !strings.Contains(err.Error(), "the log has no event at position") {
		t.Errorf("a deleted event: %v", err)
	}
}
