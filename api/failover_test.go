package api_test

import (
	"net/http"
	"strings"
	"testing"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/eventstore/pgtest/failover"
)

// TestReplayAcrossFailovers follows the log while a standby becomes the primary. If nothing was lost, the replay
// continues; otherwise its last line contains the cause. Neither is an error of the server.
func TestReplayAcrossFailovers(t *testing.T) {
	t.Parallel()
	database := failover.Start(t)
	owner, err := eventstore.OpenPool(t.Context(), database.DSN(), eventstore.PoolOptions{MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(owner.Close)
	d := startAPIOn(t, &pgtest.DB{DSN: database.DSN(), Owner: owner})
	d.start(d.store.Listen)
	a := d.account("alice")
	a.grant(domain.RoleAnalyst)
	s := a.follow("?follow=true&type=gift.added.v1")
	add := func(name string) {
		t.Helper()
		d.eventually(func() error {
			_, err := d.sequencer.Execute(t.Context(), domain.Request{Command: domain.AddGift{Name: name, Price: 3}, Actor: domain.Actor{Kind: domain.Operator}, IdempotencyKey: name})
			return err
		})
	}
	expect := func(name string) line {
		t.Helper()
		l := s.event()
		if l.End != "" || !strings.Contains(string(l.Data), name) {
			t.Fatalf("got %+v, want %s\n%s", l, name, d.log)
		}
		return l
	}
	add("before")
	expect("before")

	standby := database.Standby()
	standby.CatchUp()
	database.Promote(standby)
	add("kept")
	expect("kept")

	standby = database.Standby()
	standby.CatchUp()
	standby.HoldBack()
	add("lost")
	lost := expect("lost")
	database.Promote(standby)
	if end := s.event(); end.End != "cursor_lost" || end.Cursor != lost.Cursor {
		t.Errorf("the replay ended with %+v, want cursor_lost and the cursor %s", end, lost.Cursor)
	}
	if got := a.get("/api/events?after=" + lost.Cursor); got.status != http.StatusConflict {
		t.Errorf("its cursor is accepted with status %d, want 409", got.status)
	}
	if n := d.log.Count("request failed"); n > 0 {
		t.Errorf("%d errors are logged:\n%s", n, d.log)
	}
}
