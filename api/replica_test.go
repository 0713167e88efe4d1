package api_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"roomlog/api"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/eventstore/pgtest/failover"
	"roomlog/eventstore/replica"
)

// TestReplayThroughAStandby lets readers replay the log, in several formats, while the standby that serves them is paused, killed,
// started again and promoted, and while the log grows. Each reader gets every event once, in order.
func TestReplayThroughAStandby(t *testing.T) {
	t.Parallel()
	database := failover.Start(t, pgtest.Setting("max_standby_streaming_delay", "0"))
	owner, err := eventstore.OpenPool(t.Context(), database.DSN(), eventstore.PoolOptions{MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(owner.Close)
	standby := database.Standby()
	pool, err := replica.OpenPool(t.Context(), standby.DSN(), eventstore.PoolOptions{MaxConns: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	var events *replica.Reader
	d := startAPIOn(t, &pgtest.DB{DSN: database.DSN(), Owner: owner}, func(c *api.Config) {
		events = replica.New(c.Store, pool, slog.New(slog.DiscardHandler))
		c.Events = events
	})
	d.start(d.store.Listen)
	d.start(events.Run)
	a := d.account("alice")
	a.grant(domain.RoleAnalyst)
	added := 0
	add := func(n int) {
		t.Helper()
		for range n {
			added++
			name := fmt.Sprint("gift ", added)
			d.eventually(func() error {
				_, err := d.sequencer.Execute(t.Context(), domain.Request{Command: domain.AddGift{Name: name, Price: 3}, Actor: domain.Actor{Kind: domain.Operator}, IdempotencyKey: name})
				return err
			})
		}
	}
	// used waits until the standby is used up to the end of the log, or not used any more.
	used := func(want bool) {
		t.Helper()
		d.eventually(func() error {
			head, err := d.store.Head(t.Context())
			if s := events.Status(); err == nil && ((s.Err == nil) != want || want && s.Position < head) {
				err = fmt.Errorf("the state of the standby is %+v, the log ends at %d", s, head)
			}
			return err
		})
	}
	// replay reads everything as pages of JSON and as one stream of lines.
	replay := func() {
		t.Helper()
		head, err := d.store.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		cursor, seen := "0", int64(0)
		for end := ""; end != "head"; {
			var page struct {
				Events      []line
				Cursor, End string
			}
			decode(t, a.get("/api/events?format=json&limit=7&after="+cursor, "token", a.Token), &page)
			for _, e := range page.Events {
				if seen++; e.Position != seen {
					t.Fatalf("got position %d in a page, want %d", e.Position, seen)
				}
			}
			if page.Cursor == "" || page.Cursor == cursor && page.End == "" {
				t.Fatalf("the page after %s has the cursor %q and the end %q", cursor, page.Cursor, page.End)
			}
			cursor, end = page.Cursor, page.End
		}
		if seen < head {
			t.Fatalf("the pages contain %d events, want %d", seen, head)
		}
		all := a.replay("")
		for i, l := range all[:len(all)-1] {
			if l.Position != int64(i)+1 {
				t.Fatalf("got position %d in a line, want %d", l.Position, i+1)
			}
		}
		if last := all[len(all)-1]; last.End != "head" || int64(len(all)) <= head {
			t.Fatalf("the replay has %d lines and ends with %+v, want %d events", len(all), last, head)
		}
	}
	live := a.follow("?follow=true&type=gift.added.v1")
	received := 0
	expectLive := func() {
		t.Helper()
		for received < added {
			received++
			if l := live.event(); string(l.Data) == "" || l.End != "" {
				t.Fatalf("gift %d arrives as %+v", received, l)
			} else if want := fmt.Sprintf(`"name":"gift %d"`, received); !strings.Contains(string(l.Data), want) {
				t.Fatalf("got %s, want %s", l.Data, want)
			}
		}
	}
	phase := func(name string, standbyServes bool, change func()) {
		t.Helper()
		change()
		add(12)
		before := events.Status()
		replay()
		expectLive()
		if got := events.Status().Reads - before.Reads; (got > 0) != standbyServes {
			t.Errorf("%s: the standby has served %d reads, want some: %t", name, got, standbyServes)
		}
	}
	add(30)
	used(true)
	phase("streaming", true, func() {})
	phase("paused", true, standby.Pause)
	phase("resumed", true, func() { standby.Resume(); used(true) })
	phase("killed", false, func() { standby.Kill(); used(false) })
	phase("started again", true, func() { standby.Start(); used(true) })
	phase("held back", true, standby.HoldBack)
	phase("promoted by mistake", false, func() { standby.Detach(); used(false) })
	if got := a.get("/api/events?after=99999.00000000", "token", a.Token); got.status != http.StatusConflict {
		t.Errorf("a cursor of no event is answered %d, want 409", got.status)
	}
}
