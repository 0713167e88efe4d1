package projections_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

var rebuildNow = projections.RebuildConfig{Now: time.Now}

// rebuilt rebuilds the tables.
func (w *world) rebuilt() projections.Report {
	w.Helper()
	report, err := projections.Rebuild(w.Context(), w.owner(), w.store, rebuildNow)
	if err != nil {
		w.Fatal(err)
	}
	return report
}

func TestRebuild(t *testing.T) {
	t.Parallel()
	t.Run("makes the same tables, while people go on", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		c := newCrowd(w, 10, 3)
		w.project()
		c.act(8, 800)
		w.caughtUp() // a room that the tables do not have yet is not found
		other := w.another()
		feed := projections.NewFeed(other.store, other.queries, projections.FeedConfig{})
		other.start(feed.Run)
		var all sync.WaitGroup
		all.Go(func() { c.act(8, 800) })
		stop := w.start(roomsAreWhole(other, c.lives[0]))
		var reports [3]projections.Report
		for i := range reports {
			reports[i] = w.rebuilt()
		}
		all.Wait()
		stop()
		w.caughtUp()
		for i, r := range reports {
			if !r.Compared || r.Generation != int64(i+1) || r.Poisoned != 0 || r.Events != r.Position {
				t.Errorf("%+v", r)
			}
		}
		w.verified()
		if _, generation := w.checkpoint(); generation != 3 {
			t.Errorf("generation %d", generation)
		}
		if err := feed.WaitFor(t.Context(), w.head()); err != nil {
			t.Error(err)
		}
	})

	t.Run("tells how far it is", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.project()
		newCrowd(w, 3, 1)
		w.caughtUp()
		var steps []string
		var folded projections.Progress
		_, err := projections.Rebuild(t.Context(), w.owner(), w.store, projections.RebuildConfig{Now: stepClock(), Progress: func(p projections.Progress) {
			if len(steps) == 0 || steps[len(steps)-1] != p.Step {
				steps = append(steps, p.Step)
			}
			if p.Step == "fold" {
				folded = p
			}
		}})
		if got := strings.Join(steps, " "); err != nil || got != "index fold compare switch" {
			t.Error(got, err)
		}
		if folded.Position != w.head() || folded.Target != folded.Position || folded.Rate <= 0 || folded.ETA != 0 {
			t.Errorf("%+v", folded)
		}
	})

	t.Run("refuses to switch to tables that differ, unless forced", func(t *testing.T) {
		t.Parallel()
		s := tell(t)
		s.project()
		s.caughtUp()
		s.exec("UPDATE read.gift SET price = 999 WHERE id = $1", s.rose)
		s.exec("DELETE FROM read.session")
		report, err := projections.Rebuild(t.Context(), s.owner(), s.store, rebuildNow)
		if !errors.Is(err, projections.ErrDifferent) || len(report.Differences) != 2 {
			t.Fatalf("%v %+v", err, report)
		}
		if d := report.Differences[0]; d.Table != "gift" || d.Text != "row id 1: price is 999, the log says 20" {
			t.Errorf("%+v", d)
		}
		if d := report.Differences[1]; d.Table != "session" || d.Text != "row user_id 1 is missing" {
			t.Errorf("%+v", d)
		}
		if _, generation := s.checkpoint(); generation != 0 {
			t.Error("switched")
		}
		forced, err := projections.Rebuild(t.Context(), s.owner(), s.store, projections.RebuildConfig{Now: time.Now, Force: true})
		if err != nil || len(forced.Differences) != 2 || forced.Generation != 1 {
			t.Fatalf("%v %+v", err, forced)
		}
		s.verified()
	})

	t.Run("brings the tables to another version, and past what halted the older one", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		c := newCrowd(w, 2, 1)
		broken := projections.WithFold("sent_gifts", func(domain.GiftSent) { panic("broken") })
		old := w.projector(projections.ProjectorConfig{Projections: broken, HaltedRetry: 10 * time.Millisecond})
		w.start(old.Run)
		c.people[0].asks(domain.SendGift{Live: c.lives[0], Gift: c.gifts[0], Num: 1})
		w.halted(old)
		mended := projections.WithVersion("sent_gifts", 2)
		report, err := projections.Rebuild(t.Context(), w.owner(), w.store, projections.RebuildConfig{Now: time.Now, Projections: mended})
		if err != nil || report.Compared || report.Position != w.head() {
			t.Fatalf("%v %+v", err, report)
		}
		next := w.another()
		next.start(next.projector(projections.ProjectorConfig{Projections: mended, Poll: 5 * time.Millisecond}).Run)
		c.people[0].asks(domain.SendGift{Live: c.lives[0], Gift: c.gifts[0], Num: 1})
		w.caughtUp()
		if err := old.Status().Halted; err == nil {
			t.Error("the older program is not halted")
		}
	})

	t.Run("sets aside what the projector does", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		c := newCrowd(w, 3, 1)
		w.forge(w.head()+1, "visit-1-999", 1, "viewer.left.v1", `{"live":1,"user":999,"cause":"requested"}`, c.lives[0])
		w.project()
		w.caughtUp()
		if r := w.rebuilt(); !r.Compared || r.Poisoned != 1 {
			t.Errorf("%+v", r)
		}
	})

	t.Run("grants the serving role what it had", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.project()
		w.register("before")
		w.caughtUp()
		w.rebuilt()
		w.register("after")
		w.caughtUp()
		if users, err := w.queries.Users(t.Context(), 0, 10); err != nil || len(users) != 2 {
			t.Error(users, err)
		}
	})

	t.Run("is one at a time", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		newCrowd(w, 2, 1)
		_, err := projections.Rebuild(t.Context(), w.owner(), w.store, projections.RebuildConfig{Now: time.Now, Progress: func(projections.Progress) {
			if _, err := projections.Rebuild(t.Context(), w.owner(), w.store, rebuildNow); !errors.Is(err, projections.ErrRebuilding) {
				t.Error(err)
			}
		}})
		if err != nil {
			t.Error(err)
		}
	})

	t.Run("drops what was replaced a week ago", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.project()
		newCrowd(w, 2, 1)
		w.caughtUp()
		w.rebuilt()
		for day, want := range []int64{1: 2, 6: 3, 8: 2} { // those of the eighth day before are gone
			if want == 0 {
				continue
			}
			now := func() time.Time { return time.Now().Add(time.Duration(day) * 24 * time.Hour) }
			if _, err := projections.Rebuild(t.Context(), w.owner(), w.store, projections.RebuildConfig{Now: now}); err != nil {
				t.Fatal(err)
			}
			if n := w.number("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'read_old%'"); n != want {
				t.Errorf("on day %d there are %d replaced schemas, want %d", day, n, want)
			}
		}
	})

	t.Run("waits for a projector that is in the middle of something", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		stop := w.project()
		newCrowd(w, 2, 1)
		w.caughtUp()
		stop()
		tx, err := w.db.Owner.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), "SELECT FROM public.checkpoint FOR UPDATE"); err != nil {
			t.Fatal(err)
		}
		tries := 0
		_, err = projections.Rebuild(t.Context(), w.owner(), w.store, projections.RebuildConfig{Now: time.Now, Progress: func(p projections.Progress) {
			if p.Step == "switch" {
				if tries++; tries == 2 {
					if err := tx.Rollback(t.Context()); err != nil {
						t.Error(err)
					}
				}
			}
		}})
		if err != nil || tries < 2 {
			t.Error(err, tries)
		}
	})
}

// roomsAreWhole reads a room again and again: what it shows has to be of one moment and of one set of tables.
func roomsAreWhole(w *world, live domain.LiveID) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		for ctx.Err() == nil {
			room, err := w.queries.LiveSnapshot(ctx, live)
			switch {
			case ctx.Err() != nil:
			case err != nil:
				return err
			case room.Online != int64(len(room.Viewers)) || room.Live.Online != room.Online:
				return fmt.Errorf("at %d: %d online, %d viewers", room.Position, room.Online, len(room.Viewers))
			case len(room.Comments) > 0 && room.Comments[0].Position > room.Position:
				return fmt.Errorf("at %d: a comment of %d", room.Position, room.Comments[0].Position)
			}
		}
		return nil
	}
}

func TestRollback(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := newCrowd(w, 5, 2)
	if _, err := projections.Rollback(t.Context(), w.owner(), rebuildNow); !errors.Is(err, projections.ErrNoOldTables) {
		t.Errorf("without a rebuild: %v", err)
	}
	w.project()
	c.act(4, 100)
	w.caughtUp()
	replaced := w.rebuilt().Position
	c.act(4, 100)
	w.caughtUp()
	report, err := projections.Rollback(t.Context(), w.owner(), rebuildNow)
	if err != nil || report.Position < replaced || report.Generation != 2 {
		t.Fatalf("%v %+v", err, report)
	}
	w.caughtUp() // from where the earlier tables were
	w.verified()
	if _, err := projections.Rollback(t.Context(), w.owner(), rebuildNow); err != nil { // and forward again
		t.Fatal(err)
	}
	w.caughtUp()
	w.verified()
}
