package feed_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/eventstore/pgtest/failover"
	"roomlog/internal/waittest"
	"roomlog/projections/feed"
	"roomlog/projections/projtest"
)

// TestFeedBeginsAgainWithAnotherHistory lets the database fall back to an earlier state while the feed runs. The log
// then grows beyond the position of the feed.
func TestFeedBeginsAgainWithAnotherHistory(t *testing.T) {
	t.Parallel()
	d := failover.Start(t)
	owner, err := eventstore.OpenPool(t.Context(), d.DSN(), eventstore.PoolOptions{MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(owner.Close)
	w := projtest.Open(t, &pgtest.DB{DSN: d.DSN(), Owner: owner}, eventstore.Config{PollInterval: 50 * time.Millisecond}, "first")
	w.Start(w.Store.Listen)
	w.Project()
	c := projtest.NewTraffic(w, 1, 1)
	ann, live := c.Users[0], c.Lives[0]
	ann.Send(domain.ChangeProfile{Nickname: new("Ann")})
	w.CatchUp()
	f, _ := startFeed(w, feed.Config{})
	begun(w, f)
	standby := d.Standby()
	standby.CatchUp()
	standby.HoldBack()
	s := subscribe(w, f)
	ann.Send(domain.ChangeProfile{Nickname: new("Lost Ann")})
	lost := ann.Send(domain.PostComment{Live: live, Text: "lost"}).Position
	s.until(lost)
	waiting := make(chan error, 1)
	go func() { waiting <- f.WaitFor(context.WithoutCancel(t.Context()), lost+100) }()
	d.Promote(standby)
	for range 3 {
		ann.Send(domain.PostComment{Live: live, Text: "before"})
	}
	for open := true; open; {
		_, open = s.next()
	}
	if err := waittest.Receive(t, waiting, "the end of WaitFor"); !errors.Is(err, feed.ErrHistoryChanged) {
		t.Errorf("waiting for a lost position ended with %v", err)
	}
	s = subscribe(w, f)
	if at, number := f.Checkpoint(), f.History(); number != 2 || at < lost-2 {
		t.Errorf("begun at %d in history %d, want history 2", at, number)
	}
	s.until(ann.Send(domain.PostComment{Live: live, Text: "after"}).Position)
	newest := s.deltas[len(s.deltas)-1]
	if newest.Profile.Nickname != "Ann" || newest.Event.(domain.CommentPosted).Text != "after" {
		t.Errorf("%s says %q, want Ann, after", newest.Profile.Nickname, newest.Event.(domain.CommentPosted).Text)
	}
	w.Verify()
}
