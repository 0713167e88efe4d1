package projections_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roomlog/domain"
	"roomlog/projections"
)

func TestFeed(t *testing.T) {
	t.Parallel()
	for _, way := range []struct {
		name              string
		elsewhere, listen bool
	}{
		{"with the projector in the same process", false, false},
		{"with the projector elsewhere", true, true},
		{"with the projector elsewhere and without NOTIFY", true, false},
	} {
		t.Run("releases everything once and in order, "+way.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c := newCrowd(w, 10, 3)
			here := w
			if way.elsewhere {
				here = w.another()
			}
			if way.listen {
				here.start(here.store.Listen)
			}
			w.project()
			f, _ := here.feed(projections.FeedConfig{CheckpointPoll: 20 * time.Millisecond, LogPoll: 50 * time.Millisecond})
			w.caughtUp()
			here.begun(f)
			begin := w.head()
			first, second := here.subscribe(f), here.subscribe(f)
			c.act(8, 600)
			first.until(w.head())
			second.until(w.head())
			if first.deltas[0].Position <= begin {
				t.Errorf("the first delta is of %d, the subscription of %d", first.deltas[0].Position, begin)
			}
			if diff := cmp.Diff(ids(first.deltas), ids(second.deltas)); diff != "" {
				t.Errorf("two subscribers saw different things:\n%s", diff)
			}
			var public []projections.Delta
			for _, d := range first.deltas {
				if d.Public() {
					public = append(public, d)
				}
			}
			if diff := cmp.Diff(ids(w.deltasOf(f, c.lives, begin, w.head())), ids(public)); diff != "" {
				t.Errorf("the log (-) and what was released (+) differ:\n%s", diff)
			}
		})
	}

	t.Run("releases nothing that the tables lack", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		c := newCrowd(w, 3, 1)
		stop := w.project()
		f, _ := w.feed(projections.FeedConfig{CheckpointPoll: time.Millisecond})
		w.caughtUp()
		w.begun(f)
		s := w.subscribe(f)
		stop()
		at := c.people[0].asks(domain.PostComment{Live: c.lives[0], Text: "wait for it"}).Position
		short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := f.WaitFor(short, at); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting for tables that stand still: %v", err)
		}
		select {
		case b := <-s.batches:
			t.Errorf("released %+v", b)
		default:
		}
		w.project()
		s.until(at)
		// Whoever reads a table after the push finds it there.
		found, err := w.queries.Comments(t.Context(), projections.CommentFilter{Live: c.lives[0]})
		if err != nil || len(found) != 1 || found[0].ID != s.deltas[0].ID || found[0].Text != "wait for it" {
			t.Errorf("%+v, %v", found, err)
		}
		if err := f.WaitFor(t.Context(), at); err != nil {
			t.Error(err)
		}
	})

	t.Run("shows people as they are now", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		c := newCrowd(w, 3, 1)
		w.project()
		f, _ := w.feed(projections.FeedConfig{})
		w.caughtUp()
		w.begun(f)
		s := w.subscribe(f)
		p := c.people[1]
		say := func(text string) projections.Delta {
			s.until(p.asks(domain.PostComment{Live: c.lives[0], Text: text}).Position)
			return s.deltas[len(s.deltas)-1]
		}
		if d := say("before"); d.Profile.ID != p.id || d.Profile.Name() == "" || d.User != p.id {
			t.Errorf("%+v", d)
		}
		p.asks(domain.ChangeProfile{Nickname: "new", Avatar: "https://example.com/new.png"})
		if d := say("after"); d.Profile.Name() != "new" || d.Profile.Avatar != "https://example.com/new.png" {
			t.Errorf("%+v", d)
		}
		w.do(domain.ForgetUser{User: p.id})
		s.until(w.head())
		facts, err := f.LiveDeltas(t.Context(), c.lives[0], 0, w.head(), 100)
		if err != nil || len(facts) != 3 || facts[1].Profile.Name() != "erased" || facts[1].Event.(domain.CommentPosted).Text != "erased" {
			t.Errorf("%+v, %v", facts, err)
		}
	})

	t.Run("sends gauges seldom, and always the newest in the end", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		c := newCrowd(w, 5, 2)
		w.project()
		f, _ := w.feed(projections.FeedConfig{GaugeInterval: 50 * time.Millisecond})
		w.caughtUp()
		w.begun(f)
		s := w.subscribe(f)
		begin, sent := time.Now(), 0
		for range 20 {
			for _, p := range c.people {
				p.asks(domain.SendGift{Live: c.lives[0], Gift: c.gifts[0], Num: 1})
			}
		}
		for s.at < w.head() || s.gauges[c.lives[0]].Coins < 100 {
			if b, _ := s.next(); len(b.Gauges) > 0 {
				sent++
			}
		}
		if most := int(time.Since(begin)/(50*time.Millisecond)) + 2; sent > most {
			t.Errorf("%d times gauges, at most %d", sent, most)
		}
		if g := s.gauges[c.lives[0]]; g.Coins != 100 || g.Online != 0 || g.Position < s.at {
			t.Errorf("%+v", g)
		}
		if _, other := s.gauges[c.lives[1]]; other {
			t.Error("gauges of a room in which nothing happened")
		}
	})

	t.Run("has a private lane for everybody", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		c := newCrowd(w, 3, 1)
		w.project()
		f, _ := w.feed(projections.FeedConfig{})
		w.caughtUp()
		w.begun(f)
		s := w.subscribe(f)
		begin := w.head()
		p := c.people[1]
		p.asks(domain.SendGift{Live: c.lives[0], Gift: c.gifts[0], Num: 2})
		p.credit(7)
		p.asks(domain.ChangeProfile{Nickname: "n"})
		c.people[0].asks(domain.PostComment{Live: c.lives[0], Text: "not private"})
		w.signIn(p.id)
		w.do(domain.GrantRole{User: p.id, Role: domain.RoleAnalyst})
		w.do(domain.DisableUser{User: p.id})
		s.until(w.head())
		var seen []projections.Delta
		for _, d := range s.deltas {
			if d.Recipient == p.id {
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
		again, err := f.UserDeltas(t.Context(), p.id, begin, w.head(), 100)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(seen, again); diff != "" {
			t.Errorf("pushed (-) and read again (+):\n%s", diff)
		}
		if newest, err := f.UserDeltas(t.Context(), p.id, 0, w.head(), 2); err != nil || len(newest) != 2 || newest[1].Position != seen[5].Position {
			t.Errorf("%+v, %v", newest, err)
		}
	})

	t.Run("cuts a subscriber off that does not read, and ends the others with itself", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		c := newCrowd(w, 3, 1)
		w.project()
		f, stop := w.feed(projections.FeedConfig{SubscriberTimeout: 20 * time.Millisecond, GaugeInterval: time.Millisecond})
		w.caughtUp()
		w.begun(f)
		deaf, good := w.subscribe(f), w.subscribe(f)
		ctx, cancel := context.WithCancel(t.Context())
		short, err := f.Subscribe(ctx)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		w.eventually(func() error { // closes with its context
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
			at := c.people[0].asks(domain.PostComment{Live: c.lives[0], Text: "on and on"}).Position
			good.until(at)
		}
		read := 0
		for range deaf.batches {
			read++
		}
		if read == 0 || read >= 300 {
			t.Errorf("the deaf subscriber was cut off after %d batches", read)
		}
		stop()
		for range good.batches {
		}
		if err := f.WaitFor(t.Context(), w.head()+1); !errors.Is(err, projections.ErrFeedEnded) {
			t.Error(err)
		}
	})

	t.Run("lets a subscriber miss nothing behind the checkpoint", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		c := newCrowd(w, 3, 1)
		w.project()
		f, _ := w.feed(projections.FeedConfig{})
		w.caughtUp()
		w.begun(f)
		acting := make(chan struct{})
		go func() { defer close(acting); c.act(4, 600) }()
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

	t.Run("passes over what nobody can read", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		c := newCrowd(w, 3, 1)
		w.project()
		f, _ := w.feed(projections.FeedConfig{})
		w.caughtUp()
		w.begun(f)
		s := w.subscribe(f)
		w.forge(w.head()+1, "live-1", 3, "live.status_changed.v1", `[]`, c.lives[0])
		w.forge(w.head()+1, "gift-9", 1, "gift.added.v1", `{"gift":9,"name":"g","price":1}`, 0)
		s.until(w.head())
		if len(s.deltas) != 0 {
			t.Errorf("%+v", s.deltas)
		}
		if facts, err := f.LiveDeltas(t.Context(), c.lives[0], 0, w.head(), 100); err != nil || len(facts) != 1 {
			t.Errorf("%+v, %v", facts, err)
		}
	})

	t.Run("holds the tail back while the tables stand still", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		c := newCrowd(w, 3, 1)
		stop := w.project()
		f, _ := w.feed(projections.FeedConfig{MaxPending: 10})
		w.caughtUp()
		w.begun(f)
		s := w.subscribe(f)
		stop()
		c.act(4, 100)
		w.eventually(func() error {
			if n := projections.Pending(f); n < 10 {
				return fmt.Errorf("%d events are held back", n)
			}
			return nil
		})
		held := projections.Pending(f)
		c.act(4, 100)
		if more := projections.Pending(f); more != held {
			t.Errorf("%d events are held back, %d before", more, held)
		}
		w.project()
		s.until(w.head())
	})
}
