package feed_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
	"roomlog/projections/feed"
	"roomlog/projections/projtest"
)

func TestFeed(t *testing.T) {
	t.Parallel()
	for _, way := range []struct {
		name              string
		elsewhere, listen bool
	}{
		{"with the projector in the same process", false, false},
		{"with the projector in another process", true, true},
		{"with the projector in another process and without NOTIFY", true, false},
	} {
		t.Run("releases every delta once and in order, "+way.name, func(t *testing.T) {
			t.Parallel()
			w := projtest.New(t)
			c := projtest.NewTraffic(w, 10, 3)
			here := w
			if way.elsewhere {
				here = projtest.Open(w, w.DB, eventstore.Config{PollInterval: 50 * time.Millisecond}, "another")
			}
			if way.listen {
				here.Start(here.Store.Listen)
			}
			w.Project()
			f, _ := startFeed(here, feed.Config{CheckpointPoll: 20 * time.Millisecond})
			w.CatchUp()
			begun(here, f)
			begin := w.Head()
			first, second := subscribe(here, f), subscribe(here, f)
			c.Act(8, 600)
			first.until(w.Head())
			second.until(w.Head())
			if first.deltas[0].Position <= begin {
				t.Errorf("the first delta is of %d, the subscription of %d", first.deltas[0].Position, begin)
			}
			if diff := cmp.Diff(ids(first.deltas), ids(second.deltas)); diff != "" {
				t.Errorf("two subscribers received different deltas:\n%s", diff)
			}
			var public []projections.Delta
			for _, d := range first.deltas {
				if d.Public() {
					public = append(public, d)
				}
			}
			logged, loggedProfiles := splitProfiles(deltasOf(w, f, c.Lives, begin, w.Head()))
			released, releasedProfiles := splitProfiles(public)
			if diff := cmp.Diff(ids(logged), ids(released)); diff != "" {
				t.Errorf("the deltas of the log (-) and the released ones (+) differ:\n%s", diff)
			}
			for viewer, position := range loggedProfiles { // the log lacks those of viewers who have left
				if releasedProfiles[viewer] != position {
					t.Errorf("the newest profile of %+v was released at %d, the log has it at %d", viewer, releasedProfiles[viewer], position)
				}
			}
		})
	}

	t.Run("releases other events than comments and gifts when the tables have them", func(t *testing.T) {
		t.Parallel()
		w := projtest.New(t)
		c := projtest.NewTraffic(w, 3, 1)
		stop := w.Project()
		f, _ := startFeed(w, feed.Config{CheckpointPoll: time.Millisecond})
		w.CatchUp()
		begun(w, f)
		s := subscribe(w, f)
		stop()
		c.Users[0].Credit(7)
		c.Users[0].Send(domain.PostComment{Live: c.Lives[0], Text: "wait for it"})
		at := w.Head()
		short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := f.WaitFor(short, at); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("WaitFor without a projector: %v", err)
		}
		select {
		case b := <-s.batches:
			t.Errorf("released %+v", b)
		default:
		}
		w.Project()
		s.until(at)
		found, err := w.Queries.Comments(t.Context(), projections.CommentFilter{Live: c.Lives[0]})
		if err != nil || len(found) != 1 || len(s.deltas) != 2 || found[0].ID != s.deltas[1].ID || found[0].Text != "wait for it" {
			t.Errorf(`got %+v, %v, want 1 element, the comment of %+v`, found, err, s.deltas)
		}
		if err := f.WaitFor(t.Context(), at); err != nil {
			t.Error(err)
		}
	})

	t.Run("attaches current profiles", func(t *testing.T) {
		t.Parallel()
		w, c, f := startWithTraffic(t, 3, 1, feed.Config{})
		s := subscribe(w, f)
		p := c.Users[1]
		say := func(text string) projections.Delta {
			s.until(p.Send(domain.PostComment{Live: c.Lives[0], Text: text}).Position)
			return s.deltas[len(s.deltas)-1]
		}
		if d := say("before"); d.Profile.ID != p.ID || d.Profile.Name() == "" || d.User != p.ID {
			t.Errorf("got %+v", d)
		}
		p.Send(domain.ChangeProfile{Nickname: new("new"), Avatar: new("https://example.com/new.png")})
		if d := say("after"); d.Profile.Name() != "new" || d.Profile.Avatar != "https://example.com/new.png" {
			t.Errorf("got %+v", d)
		}
		w.Do(domain.ForgetUser{User: p.ID})
		s.until(w.Head())
		facts, err := f.LiveDeltas(t.Context(), c.Lives[0], 0, w.Head(), 100)
		if err != nil || len(facts) != 3 || facts[1].Profile.Name() != "erased" || facts[1].Event.(domain.CommentPosted).Text != "erased" {
			t.Errorf("got %+v, %v", facts, err)
		}
	})

	t.Run("limits the rate of gauges and always sends the newest in the end", func(t *testing.T) {
		t.Parallel()
		w, c, f := startWithTraffic(t, 5, 2, feed.Config{GaugeInterval: 50 * time.Millisecond})
		s := subscribe(w, f)
		begin, sent := time.Now(), 0
		for range 20 {
			for _, p := range c.Users {
				p.Send(domain.SendGift{Live: c.Lives[0], Gift: c.Gifts[0], Num: 1})
			}
		}
		for s.at < w.Head() || s.gauges[c.Lives[0]].Coins < 100 {
			if b, _ := s.next(); len(b.Gauges) > 0 {
				sent++
			}
		}
		if most := int(time.Since(begin)/(50*time.Millisecond)) + 2; sent > most {
			t.Errorf("%d times gauges, at most %d", sent, most)
		}
		if g := s.gauges[c.Lives[0]]; g.Coins != 100 || g.Online != 0 || g.Position < s.at {
			t.Errorf("got %+v", g)
		}
		if _, other := s.gauges[c.Lives[1]]; other {
			t.Error("gauges of a live without changes")
		}
	})

	t.Run("has a channel for each user", func(t *testing.T) {
		t.Parallel()
		w, c, f := startWithTraffic(t, 3, 1, feed.Config{})
		s := subscribe(w, f)
		begin := w.Head()
		p := c.Users[1]
		p.Send(domain.SendGift{Live: c.Lives[0], Gift: c.Gifts[0], Num: 2})
		p.Credit(7)
		p.Send(domain.ChangeProfile{Nickname: new("n")})
		c.Users[0].Send(domain.PostComment{Live: c.Lives[0], Text: "not private"})
		w.SignIn(p.ID)
		w.Do(domain.GrantRole{User: p.ID, Role: domain.RoleAnalyst})
		w.Do(domain.DisableUser{User: p.ID})
		s.until(w.Head())
		var seen []projections.Delta
		for _, d := range s.deltas {
			if d.Recipient == p.ID {
				seen = append(seen, d)
			}
		}
		var kinds []string
		for _, d := range seen {
			kinds = append(kinds, d.Kind)
		}
		if got := fmt.Sprint(kinds); got != "[balance balance profile notice notice notice]" {
			t.Error(got)
		}
		again, err := f.UserDeltas(t.Context(), p.ID, begin, w.Head(), 100)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(seen, again); diff != "" {
			t.Errorf("pushed (-) and read from the log (+):\n%s", diff)
		}
		if newest, err := f.UserDeltas(t.Context(), p.ID, 0, w.Head(), 2); err != nil || len(newest) != 2 || newest[1].Position != seen[5].Position {
			t.Errorf("got %+v, %v, want 2 elements, newest[1].Position %v", newest, err, seen[5].Position)
		}
	})

	t.Run("cuts off a subscriber that stops reading, and closes all subscriptions when it ends", func(t *testing.T) {
		t.Parallel()
		w := projtest.New(t)
		c := projtest.NewTraffic(w, 3, 1)
		w.Project()
		f, stop := startFeed(w, feed.Config{SubscriberTimeout: 5 * time.Second, GaugeInterval: time.Millisecond})
		w.CatchUp()
		begun(w, f)
		slow, good := subscribe(w, f), subscribe(w, f)
		ctx, cancel := context.WithCancel(t.Context())
		short, err := f.Subscribe(ctx)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		w.Eventually(func() error { // the channel closes after its context has ended
			select {
			case _, open := <-short:
				if !open {
					return nil
				}
			default:
			}
			return errors.New("still open")
		})
		for range 300 {
			at := c.Users[0].Send(domain.PostComment{Live: c.Lives[0], Text: "on and on"}).Position
			good.until(at)
		}
		read := 0
		for range slow.batches {
			read++
		}
		if read == 0 || read >= 300 {
			t.Errorf("the subscriber was cut off after %d batches", read)
		}
		stop()
		for range good.batches {
		}
		if err := f.WaitFor(t.Context(), w.Head()+1); !errors.Is(err, feed.ErrEnded) {
			t.Error(err)
		}
	})

	t.Run("gives a new subscriber every delta after the checkpoint", func(t *testing.T) {
		t.Parallel()
		_, c, f := startWithTraffic(t, 3, 1, feed.Config{})
		acting := make(chan struct{})
		go func() { defer close(acting); c.Act(4, 600) }()
		for going := true; going; {
			ctx, cancel := context.WithCancel(t.Context())
			batches, err := f.Subscribe(ctx)
			if err != nil {
				t.Fatal(err)
			}
			at := f.Checkpoint()
			select {
			case b := <-batches:
				if b.After > at {
					t.Errorf("the first batch begins after %d, the checkpoint was %d", b.After, at)
				}
			case <-acting:
				going = false
			}
			cancel()
		}
	})

	t.Run("skips events that cannot be decoded", func(t *testing.T) {
		t.Parallel()
		w, c, f := startWithTraffic(t, 3, 1, feed.Config{})
		s := subscribe(w, f)
		w.Forge(w.Head()+1, "live-1", 3, "live.status_changed.v1", `[]`, c.Lives[0])
		w.Forge(w.Head()+1, "gift-9", 1, "gift.added.v1", `{"gift":9,"name":"g","price":1}`, 0)
		s.until(w.Head())
		if len(s.deltas) != 0 {
			t.Errorf("got %+v, want 0 elements", s.deltas)
		}
		if facts, err := f.LiveDeltas(t.Context(), c.Lives[0], 0, w.Head(), 100); err != nil || len(facts) != 1 {
			t.Errorf("got %+v, %v, want 1 element", facts, err)
		}
	})

	t.Run("stops reading the log while too many events wait for the tables", func(t *testing.T) {
		t.Parallel()
		w := projtest.New(t)
		c := projtest.NewTraffic(w, 3, 1)
		stop := w.Project()
		f, _ := startFeed(w, feed.Config{MaxPending: 10})
		w.CatchUp()
		begun(w, f)
		s := subscribe(w, f)
		stop()
		c.Act(4, 100)
		w.Eventually(func() error {
			if n := feed.Pending(f); n < 10 {
				return fmt.Errorf("%d events are pending", n)
			}
			return nil
		})
		held := feed.Pending(f)
		c.Act(4, 100)
		if more := feed.Pending(f); more != held {
			t.Errorf("%d events are pending, %d before, want %v", more, held, held)
		}
		w.Project()
		s.until(w.Head())
	})
}

// TestSubscribeWhileTheFeedEnds checks that a subscription that begins while the feed ends either fails with ErrEnded or ends with
// the feed.
func TestSubscribeWhileTheFeedEnds(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	w.Project()
	for range 50 {
		f, stop := startFeed(w, feed.Config{})
		if _, err := f.Subscribe(t.Context()); err != nil { // the feed has begun
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				batches, err := f.Subscribe(t.Context())
				for err == nil {
					if _, open := <-batches; !open {
						return
					}
				}
				if !errors.Is(err, feed.ErrEnded) {
					t.Errorf("Subscribe: %v, want ErrEnded", err)
				}
			})
		}
		stop()
		all.Wait()
	}
}
