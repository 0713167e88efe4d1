package feed_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/projections/feed"
	"roomlog/projections/projtest"
)

// startWithoutProjector starts a feed on a log with two users and a live. The feed has released all events and knows
// the profile of the second user; then the projector has ended.
func startWithoutProjector(t *testing.T, c feed.Config) (*projtest.World, *projtest.Traffic, *feed.Feed, *subscribed) {
	t.Helper()
	w := projtest.New(t)
	traffic := projtest.NewTraffic(w, 2, 1)
	stop := w.Project()
	f, _ := startFeed(w, c)
	w.CatchUp()
	begun(w, f)
	s := subscribe(w, f)
	s.until(traffic.Users[1].Send(domain.PostComment{Live: traffic.Lives[0], Text: "first"}).Position)
	w.CatchUp()
	if err := f.WaitFor(t.Context(), w.Head()); err != nil {
		t.Fatal(err)
	}
	stop()
	return w, traffic, f, s
}

// expectNothing checks that the feed does not release the event at position without a projector.
func expectNothing(t *testing.T, f *feed.Feed, s *subscribed, position int64) {
	t.Helper()
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := f.WaitFor(short, position); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("WaitFor(%d) without a projector: %v", position, err)
	}
	if at := f.Checkpoint(); at >= position {
		t.Errorf("the feed has released the events up to %d, want less than %d", at, position)
	}
}

// TestCommentsAndGiftsDoNotWaitForTheTables checks that they are released without a projector, and that reads of the
// process wait until they find what was released.
func TestCommentsAndGiftsDoNotWaitForTheTables(t *testing.T) {
	t.Parallel()
	w, c, f, s := startWithoutProjector(t, feed.Config{MaxLead: time.Hour, ReadTimeout: time.Hour})
	user, before := c.Users[1], w.Head()
	user.Send(domain.PostComment{Live: c.Lives[0], Text: "second"})
	s.until(user.Send(domain.SendGift{Live: c.Lives[0], Gift: c.Gifts[0], Num: 1}).Position)
	if at := w.Checkpoint().Position; at != before {
		t.Errorf("the tables have reached %d, want %d", at, before)
	}
	if last := s.deltas[len(s.deltas)-2]; last.Kind != projections.KindGift || last.Profile.Name() == "" {
		t.Errorf("got %+v, want the gift with the profile of its sender", last)
	}

	queries := w.Queries.After(f.UpToDate)
	comments := projections.CommentFilter{Live: c.Lives[0]}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for name, read := range map[string]func() error{
		"a page":                         func() error { _, err := queries.Comments(short, comments); return err },
		"a snapshot":                     func() error { _, err := queries.LiveSnapshot(short, c.Lives[0]); return err },
		"the deltas of a live":           func() error { _, err := f.LiveDeltas(short, c.Lives[0], 0, f.Checkpoint(), 10); return err },
		"the deltas of a user's channel": func() error { _, err := f.UserDeltas(short, user.ID, 0, f.Checkpoint(), 10); return err },
	} {
		if err := read(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a read of %s before the tables have the events: %v", name, err)
		}
	}
	w.Project()
	if found, err := queries.Comments(t.Context(), comments); err != nil || len(found) != 2 {
		t.Errorf("got %+v, %v, want 2 comments", found, err)
	}
}

// TestFeedWaitsForTablesThatAreFarBehind checks that nothing more is released early while the tables lack an event for
// too long, and that reads then fail.
func TestFeedWaitsForTablesThatAreFarBehind(t *testing.T) {
	t.Parallel()
	w, c, f, s := startWithoutProjector(t, feed.Config{MaxLead: time.Nanosecond, ReadTimeout: time.Nanosecond})
	user := c.Users[1]
	s.until(user.Send(domain.PostComment{Live: c.Lives[0], Text: "second"}).Position)
	if _, err := w.Queries.After(f.UpToDate).Lives(t.Context(), 1, 1); !errors.Is(err, projections.ErrBehind) {
		t.Errorf("a read before the tables have the comment: %v", err)
	}
	third := user.Send(domain.PostComment{Live: c.Lives[0], Text: "third"}).Position
	expectNothing(t, f, s, third)
	w.Project()
	s.until(third)
}

// TestCoinEventsOfOtherProcessesWaitForTheTables checks that only the process that has decided a gift releases it early.
func TestCoinEventsOfOtherProcessesWaitForTheTables(t *testing.T) {
	t.Parallel()
	w, c, f, s := startWithoutProjector(t, feed.Config{MaxLead: time.Hour, ReadTimeout: time.Hour})
	other := w.Another()
	send := func(command domain.Command) int64 {
		return other.Execute(domain.Request{Command: command, Actor: c.Users[1].Actor()}).Position
	}
	s.until(send(domain.PostComment{Live: c.Lives[0], Text: "second"}))
	gift := send(domain.SendGift{Live: c.Lives[0], Gift: c.Gifts[0], Num: 1})
	expectNothing(t, f, s, gift)
	w.Project()
	s.until(gift)
}
