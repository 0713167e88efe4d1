package rebuild_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/projections/feed"
	"roomlog/projections/projtest"
	"roomlog/projections/rebuild"
)

var rebuildNow = rebuild.Config{Now: time.Now}

func TestRebuild(t *testing.T) {
	t.Parallel()
	t.Run("derives equal tables while events go on", func(t *testing.T) {
		t.Parallel()
		w := projtest.New(t)
		c := projtest.NewTraffic(w, 10, 3)
		w.Project()
		c.Act(8, 800)
		w.CatchUp() // waits until the tables contain the live
		other := w.Another()
		feed := feed.New(other.Store, other.Queries, feed.Config{})
		other.Start(feed.Run)
		var all sync.WaitGroup
		all.Go(func() { c.Act(8, 800) })
		stop := w.Start(readSnapshots(other, c.Lives[0]))
		var reports [3]rebuild.Report
		for i := range reports {
			reports[i] = w.Rebuild()
		}
		all.Wait()
		stop()
		w.CatchUp()
		for i, r := range reports {
			if !r.Compared || r.Generation != int64(i+1) || r.Poisoned != 0 || r.Events != r.Position {
				t.Errorf("got %+v", r)
			}
		}
		w.Verify()
		if generation := w.Checkpoint().Generation; generation != 3 {
			t.Errorf("generation %d, want 3", generation)
		}
		if err := feed.WaitFor(t.Context(), w.Head()); err != nil {
			t.Error(err)
		}
	})

	t.Run("reports its progress", func(t *testing.T) {
		t.Parallel()
		w := projtest.New(t)
		w.Project()
		projtest.NewTraffic(w, 3, 1)
		w.CatchUp()
		var steps []string
		var folded rebuild.Progress
		_, err := rebuild.Run(t.Context(), w.OwnerPool(), w.Store, rebuild.Config{Now: projtest.StepClock(), Progress: func(p rebuild.Progress) {
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
		if folded.Position != w.Head() || folded.Target != folded.Position || folded.Rate <= 0 || folded.ETA != 0 {
			t.Errorf("got %+v", folded)
		}
	})

	t.Run("does not switch to tables that differ, unless forced", func(t *testing.T) {
		t.Parallel()
		s := projtest.Tell(t)
		s.Project()
		s.CatchUp()
		s.Exec("UPDATE read.gift SET price = 999 WHERE id = $1", s.Rose)
		s.Exec("DELETE FROM read.session")
		report, err := rebuild.Run(t.Context(), s.OwnerPool(), s.Store, rebuildNow)
		if !errors.Is(err, rebuild.ErrDifferent) || len(report.Differences) != 2 {
			t.Fatalf("%v %+v", err, report)
		}
		if d := report.Differences[0]; d.Table != "gift" || d.Text != "row id 1: price is 999, expected 20" {
			t.Errorf(`got %+v, want Table "gift", Text "row id 1: price is 999, expected 20"`, d)
		}
		if d := report.Differences[1]; d.Table != "session" || d.Text != "row user_id 1 is missing" {
			t.Errorf(`got %+v, want Table "session", Text "row user_id 1 is missing"`, d)
		}
		if generation := s.Checkpoint().Generation; generation != 0 {
			t.Error("the tables were switched")
		}
		forced, err := rebuild.Run(t.Context(), s.OwnerPool(), s.Store, rebuild.Config{Now: time.Now, Force: true})
		if err != nil || len(forced.Differences) != 2 || forced.Generation != 1 {
			t.Fatalf("%v %+v", err, forced)
		}
		s.Verify()
	})

	t.Run("replaces tables of another version, and opens the coins that the older program could not count", func(t *testing.T) {
		t.Parallel()
		w := projtest.New(t)
		c := projtest.NewTraffic(w, 2, 1)
		broken := projtest.WithFold("sent_gifts", func(domain.GiftSent) { panic("broken") })
		old := w.Projector(projections.ProjectorConfig{Projections: broken, HaltedRetry: 10 * time.Millisecond})
		w.Start(old.Run)
		c.Users[0].Send(domain.SendGift{Live: c.Lives[0], Gift: c.Gifts[0], Num: 1})
		w.CatchUp()
		if n := w.Int("SELECT count(*) FROM read.coin_hold"); n != 1 {
			t.Errorf("%d coin holds", n)
		}
		mended := projtest.WithVersion("sent_gifts", 4)
		report, err := rebuild.Run(t.Context(), w.OwnerPool(), w.Store, rebuild.Config{Now: time.Now, Projections: mended})
		if err != nil || report.Compared || report.Position != w.Head() {
			t.Fatalf("%v %+v", err, report)
		}
		next := w.Another()
		next.Start(next.Projector(projections.ProjectorConfig{Projections: mended, Poll: 5 * time.Millisecond}).Run)
		c.Users[0].Send(domain.SendGift{Live: c.Lives[0], Gift: c.Gifts[0], Num: 1})
		w.CatchUp()
		if n := w.Int("SELECT count(*) FROM read.coin_hold") + w.Int("SELECT count(*) FROM read.coin_held"); n != 0 {
			t.Errorf("%d coin holds", n)
		}
		w.Eventually(func() error { // each batch is applied by one of the two projectors
			c.Users[0].Send(domain.PostComment{Live: c.Lives[0], Text: "hello"})
			if old.Status().Halted == nil {
				return errors.New("the older projector is not halted")
			}
			return nil
		})
	})

	t.Run("finds the same poison events as the projector", func(t *testing.T) {
		t.Parallel()
		w := projtest.New(t)
		c := projtest.NewTraffic(w, 3, 1)
		w.Forge(w.Head()+1, "visit-1-999", 1, "viewer.left.v1", `{"live":1,"user":999,"cause":"requested"}`, c.Lives[0])
		w.Project()
		w.CatchUp()
		if r := w.Rebuild(); !r.Compared || r.Poisoned != 1 {
			t.Errorf("got %+v", r)
		}
	})

	t.Run("grants the serving role its rights on the new tables", func(t *testing.T) {
		t.Parallel()
		w := projtest.New(t)
		w.Project()
		w.Register("before")
		w.CatchUp()
		w.Rebuild()
		w.Register("after")
		w.CatchUp()
		if users, err := w.Queries.Users(t.Context(), 0, 10); err != nil || len(users) != 2 {
			t.Error(users, err)
		}
	})

	t.Run("does not run twice at a time", func(t *testing.T) {
		t.Parallel()
		w := projtest.New(t)
		projtest.NewTraffic(w, 2, 1)
		_, err := rebuild.Run(t.Context(), w.OwnerPool(), w.Store, rebuild.Config{Now: time.Now, Progress: func(rebuild.Progress) {
			if _, err := rebuild.Run(t.Context(), w.OwnerPool(), w.Store, rebuildNow); !errors.Is(err, rebuild.ErrInProgress) {
				t.Error(err)
			}
		}})
		if err != nil {
			t.Error(err)
		}
	})

	t.Run("keeps one replaced set of tables", func(t *testing.T) {
		t.Parallel()
		w := projtest.New(t)
		w.Project()
		projtest.NewTraffic(w, 2, 1)
		w.CatchUp()
		replaced := func() int64 { return w.Int("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'read_old%'") }
		w.Rebuild()
		w.Exec(`CREATE SCHEMA read_old_00; COMMENT ON SCHEMA read_old_00 IS '{"position":1}'`) // an earlier version could leave many of them
		for range 2 {
			w.Rebuild()
			if n := replaced(); n != 1 {
				t.Fatalf("%d replaced schemas, want 1", n)
			}
		}
		dropped, err := rebuild.DropOld(t.Context(), w.OwnerPool())
		if err != nil || len(dropped) != 1 || replaced() != 0 {
			t.Errorf("%v %v, %d are left, want 1 element, 0", dropped, err, replaced())
		}
		if _, err := rebuild.Rollback(t.Context(), w.OwnerPool(), rebuildNow); !errors.Is(err, rebuild.ErrNoReplacedTables) {
			t.Error(err)
		}
	})

	t.Run("leaves no text behind when it fails or is killed", func(t *testing.T) {
		t.Parallel()
		s := projtest.Tell(t)
		stop := s.Project()
		s.CatchUp()
		left := func() int64 { return s.Int("SELECT count(*) FROM pg_namespace WHERE nspname = 'read_next'") }
		failing := rebuild.Config{Now: time.Now, Projections: projtest.WithFold("coins", func(domain.GiftSent) { panic("broken") })}
		if _, err := rebuild.Run(t.Context(), s.OwnerPool(), s.Store, failing); err == nil || left() != 0 {
			t.Errorf("after a failure: %v, %d schemas are left", err, left())
		}
		s.Exec(`INSERT INTO public.events (position, stream, version, event_id, type, payload, metadata, recorded_at)
			SELECT n, 'username-' || n, 1, gen_random_uuid(), 'username.claimed.v1', '{"key":"k","user":1}', '{"actor":"anonymous"}', now()
			FROM generate_series($1::bigint, $1 + 6000) AS n`, s.Head()+1) // more events than may be left for the switch
		s.CatchUp()
		killRebuild(s.World)
		if left() != 1 || s.Int("SELECT count(*) FROM read_next.user_account WHERE username = 'ann'") != 1 {
			t.Fatalf("a killed rebuild left %d schemas with %d rows: the test would prove nothing", left(), s.Int("SELECT count(*) FROM read_next.user_account"))
		}
		s.Do(domain.ForgetUser{User: s.Ann.ID})
		s.CatchUp()
		stop()
		if n := s.Int("SELECT count(*) FROM read_next.user_account WHERE username = 'ann'") + s.Int("SELECT count(*) FROM read_next.live WHERE title = 'cooking'"); n != 0 {
			t.Errorf("%d texts of a forgotten user are left, want 0", n)
		}
		if err := rebuild.RemoveLeftovers(t.Context(), s.OwnerPool(), slog.New(slog.DiscardHandler)); err != nil || left() != 0 {
			t.Errorf("%v, %d schemas are left, want 0", err, left())
		}
	})

	t.Run("keeps the tables of a rebuild that is running", func(t *testing.T) {
		t.Parallel()
		w := projtest.New(t)
		projtest.NewTraffic(w, 2, 1)
		owner := w.OwnerPool()
		_, err := rebuild.Run(t.Context(), owner, w.Store, rebuild.Config{Now: time.Now, Progress: func(rebuild.Progress) {
			if err := rebuild.RemoveLeftovers(t.Context(), owner, slog.New(slog.DiscardHandler)); err != nil {
				t.Error(err)
			}
		}})
		if err != nil {
			t.Error(err)
		}
	})

	t.Run("waits for a projector that holds the checkpoint", func(t *testing.T) {
		t.Parallel()
		w := projtest.New(t)
		stop := w.Project()
		projtest.NewTraffic(w, 2, 1)
		w.CatchUp()
		stop()
		tx, err := w.DB.Owner.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), "SELECT FROM public.checkpoint FOR UPDATE"); err != nil {
			t.Fatal(err)
		}
		tries := 0
		_, err = rebuild.Run(t.Context(), w.OwnerPool(), w.Store, rebuild.Config{Now: time.Now, Progress: func(p rebuild.Progress) {
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

// killRebuild runs a rebuild that ends before the switch, as if its process had been killed.
func killRebuild(w *projtest.World) {
	w.Helper()
	defer func() {
		if recover() == nil {
			w.Fatal("the rebuild was not killed")
		}
	}()
	_, _ = rebuild.Run(w.Context(), w.OwnerPool(), w.Store, rebuild.Config{Now: time.Now, Progress: func(p rebuild.Progress) {
		if p.Step == "compare" || p.Step == "switch" {
			panic("killed")
		}
	}})
}

// readSnapshots returns a function that reads snapshots of a live until ctx ends, and checks that each snapshot is
// consistent.
func readSnapshots(w *projtest.World, live domain.LiveID) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		for ctx.Err() == nil {
			room, err := w.Queries.LiveSnapshot(ctx, live)
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

func TestRollbackRefusesTablesFromBeforeAMigration(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	w.Project()
	w.AddGift("rose", 5)
	w.CatchUp()
	w.Rebuild()
	w.Exec("DROP TABLE read_old_0.viewer_ban") // as if a migration had added it after the rebuild
	_, err := rebuild.Rollback(t.Context(), w.OwnerPool(), rebuildNow)
	if !errors.Is(err, rebuild.ErrIncomplete) || !strings.Contains(err.Error(), "schema read_old_0 lacks table viewer_ban. To get correct tables, run: roomlog rebuild") {
		t.Errorf("rollback: %v", err)
	}
	w.AddGift("tulip", 5)
	w.CatchUp()
	w.Verify() // the tables in use remain in use
}

func TestRollback(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	c := projtest.NewTraffic(w, 5, 2)
	if _, err := rebuild.Rollback(t.Context(), w.OwnerPool(), rebuildNow); !errors.Is(err, rebuild.ErrNoReplacedTables) {
		t.Errorf("without a rebuild: %v", err)
	}
	w.Project()
	c.Act(4, 100)
	w.CatchUp()
	replaced := w.Rebuild().Position
	c.Act(4, 100)
	w.CatchUp()
	report, err := rebuild.Rollback(t.Context(), w.OwnerPool(), rebuildNow)
	if err != nil || report.Position < replaced || report.Generation != 2 {
		t.Fatalf("%v %+v", err, report)
	}
	w.CatchUp() // the projector continues from the position of the earlier tables
	w.Verify()
	if _, err := rebuild.Rollback(t.Context(), w.OwnerPool(), rebuildNow); err != nil { // a second rollback returns to the newer tables
		t.Fatal(err)
	}
	w.CatchUp()
	w.Verify()
}
