package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"roomlog/domain"
	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/tree"
)

var treeSecrets = []string{strings.Repeat("t", 32)}

// TestTransparencyLog reads the checkpoint and all tiles, and checks with them that the tree contains each event, and that
// it continues an earlier checkpoint.
func TestTransparencyLog(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	d.get("/tlog/checkpoint").expectFailure(http.StatusNotFound, "no_such_endpoint", "接口不存在")
	follower, err := tree.NewFollower(tree.Config{Store: d.store, Secrets: treeSecrets})
	if err != nil {
		t.Fatal(err)
	}
	d.start(follower.Run)
	gifts := 0
	grow := func(n int) transparency.Checkpoint {
		t.Helper()
		for range n {
			gifts++
			if _, err := d.sequencer.Execute(t.Context(), domain.Request{Command: domain.AddGift{Name: fmt.Sprint("gift ", gifts), Price: 1}, Actor: domain.Actor{Kind: domain.Operator}}); err != nil {
				t.Fatal(err)
			}
		}
		head, err := d.store.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var signed []byte
		d.eventually(func() error {
			if s := follower.Status(); s.SignedSize < head {
				return fmt.Errorf("signed %d of %d: %w", s.SignedSize, head, s.Err)
			}
			return nil
		})
		a := d.get("/tlog/checkpoint")
		if signed = a.raw; a.status != http.StatusOK || a.header.Get("Content-Type") != "text/plain; charset=utf-8" || a.header.Get("Cache-Control") != "no-cache" {
			t.Fatalf("checkpoint: %d %v %s", a.status, a.header, signed)
		}
		keys, err := transparency.NewKeys(treeSecrets, transparency.Origin(d.store.ID(), 1))
		if err != nil {
			t.Fatal(err)
		}
		known, err := transparency.ParseKeys(keys.Public()[0])
		if err != nil {
			t.Fatal(err)
		}
		c, err := transparency.OpenCheckpoint(signed, known)
		if err != nil || c.N != head {
			t.Fatalf("checkpoint %s, the log has %d events, %v", c, head, err)
		}
		return c
	}
	read := transparency.TileReader(func(tiles []tlog.Tile) ([][]byte, error) {
		var all [][]byte
		for _, tile := range tiles {
			a := d.get("/tlog/tile/" + transparency.TilePath(tile))
			cache := a.header.Get("Cache-Control")
			if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/octet-stream" || strings.Contains(cache, "immutable") != (tile.W == 256) {
				return nil, fmt.Errorf("tile %s: %d %v", transparency.TilePath(tile), a.status, a.header)
			}
			all = append(all, a.raw)
		}
		return all, nil
	})
	early := grow(5)
	late := grow(260)
	hashes := tlog.TileHashReader(late.Tree, read)
	consistent, err := tlog.ProveTree(late.N, early.N, hashes)
	if err == nil {
		err = tlog.CheckTree(consistent, late.N, late.Hash, early.N, early.Hash)
	}
	if err != nil {
		t.Errorf("consistency: %v", err)
	}
	events, err := tree.ReadEvents(t.Context(), d.store.Pool(), 0, late.N, 1000)
	if err != nil || int64(len(events)) != late.N {
		t.Fatal(len(events), err)
	}
	for _, e := range events {
		proof, err := tlog.ProveRecord(late.N, e.Position-1, hashes)
		if err == nil {
			err = tlog.CheckRecord(proof, late.N, late.Hash, e.Position-1, e.Hash())
		}
		if err != nil {
			t.Errorf("position %d: %v", e.Position, err)
		}
	}
	full, part := d.get("/tlog/tile/0/000").raw, d.get("/tlog/tile/0/000.p/7").raw
	if len(full) != 256*32 || !bytes.Equal(part, full[:7*32]) {
		t.Errorf("the tile has %d bytes, a part of it %x", len(full), part)
	}
	for _, path := range []string{"0/001", "0/001.p/200", "1/000.p/2", "0/002.p/1", "9/000", "40000/000", "0/0", "0/000.p/0", "entries/000", "data/000", "0/x001/000"} {
		d.get("/tlog/tile/"+path).expectFailure(http.StatusNotFound, "no_such_endpoint", "接口不存在")
	}
}
