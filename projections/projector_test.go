package projections_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/consumer"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/logtest"
	"roomlog/projections"
	"roomlog/projections/projtest"
	"roomlog/projections/rebuild"
)

// poison returns the rows of table poison as "position projection type".
func poison(w *projtest.World) []string {
	w.Helper()
	rows, err := w.DB.Owner.Query(w.Context(), "SELECT position || ' ' || projection || ' ' || type FROM read.poison WHERE cause <> '' ORDER BY position, projection")
	if err != nil {
		w.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		w.Fatal(err)
	}
	return found
}

func expectPoison(w *projtest.World, want ...string) {
	w.Helper()
	if got := strings.Join(poison(w), ", "); got != strings.Join(want, ", ") {
		w.Errorf("poison: %s\nwant: %s", got, strings.Join(want, ", "))
	}
}

func TestProjector(t *testing.T) {
	t.Parallel()
	t.Run("projects tables that follow from the log", func(t *testing.T) {
		t.Parallel()
		w := projtest.New(t)
		c := projtest.NewTraffic(w, 10, 3)
		w.Project()
		c.Act(8, 800)
		w.CatchUp()
		w.Verify()
	})

	t.Run("is notified of events without polling", func(t *testing.T) {
		t.Parallel()
		w := projtest.New(t)
		w.Start(w.Projector(projections.ProjectorConfig{Poll: time.Hour}).Run)
		w.Register("somebody")
		w.CatchUp()
		other := w.Another() // the projector is notified of events that another process appends
		w.Start(w.Store.Listen)
		other.Register("somebody else")
		w.CatchUp()
	})

	t.Run("keeps an event that one projection cannot apply in table poison, for that projection only", func(t *testing.T) {
		t.Parallel()
		w := projtest.New(t)
		c := projtest.NewTraffic(w, 5, 2)
		live := c.Lives[0]
		head := w.Head()
		// Forges an event: a user leaves a live without having joined. Only one projection cannot apply it.
		w.Forge(head+1, fmt.Sprintf("visit-%d-999", live), 1, "viewer.left.v1", fmt.Sprintf(`{"live":%d,"user":999,"cause":"requested"}`, live), live)
		c.Users[0].Send(domain.JoinLive{Live: live, Node: "p"})
		// Forges an event that cannot be decoded. It is poison for every projection that reads its type.
		w.Forge(head+3, fmt.Sprintf("live-%d", c.Lives[1]), 3, "live.status_changed.v1", `{"live":"?"}`, c.Lives[1])
		p := w.Projector(projections.ProjectorConfig{})
		w.Start(p.Run)
		w.CatchUp()
		expectPoison(w, fmt.Sprintf("%d viewers viewer.left.v1", head+1), fmt.Sprintf("%d lives live.status_changed.v1", head+3), fmt.Sprintf("%d restreams live.status_changed.v1", head+3))
		room, err := w.Queries.LiveSnapshot(t.Context(), live)
		if err != nil || room.Online != 1 || len(room.Viewers) != 1 {
			t.Errorf("online %d, viewers %v, %v, want 1, 1 element", room.Online, room.Viewers, err)
		}
		w.Eventually(func() error {
			if s := p.Status(); s.Poisoned != 3 || s.Halted != nil {
				return fmt.Errorf("%+v", s)
			}
			return nil
		})
	})

	t.Run("halts at a gap in the log", func(t *testing.T) {
		t.Parallel()
		w := projtest.New(t)
		w.AddGift("rose", 5)
		w.Forge(w.Head()+2, "gift-1", 3, "gift.withdrawn.v1", `{"gift":1}`, 0)
		p := w.Projector(projections.ProjectorConfig{HaltedRetry: 10 * time.Millisecond})
		w.Start(p.Run)
		if halt := w.WaitHalted(p); halt.Position != 2 {
			t.Error(halt)
		}
	})

	t.Run("halts at tables of another version", func(t *testing.T) {
		t.Parallel()
		w := projtest.New(t)
		stop := w.Project()
		w.AddGift("rose", 5)
		w.CatchUp()
		stop()
		w.Exec("UPDATE read.projection SET version = 99 WHERE name = 'gift_catalogue'")
		p := w.Projector(projections.ProjectorConfig{HaltedRetry: 10 * time.Millisecond})
		w.Start(p.Run)
		w.AddGift("tulip", 5)
		if halt := w.WaitHalted(p); halt.Projection != "gift_catalogue" || !strings.Contains(halt.Error(), "rebuild") {
			t.Error(halt)
		}
		w.Exec("UPDATE read.projection SET version = 1 WHERE name = 'gift_catalogue'")
		w.CatchUp()
		if err := p.Status().Halted; err != nil {
			t.Error(err)
		}
	})

	t.Run("halts when a migration has added a projection", func(t *testing.T) {
		t.Parallel()
		w := projtest.New(t)
		p := w.Projector(projections.ProjectorConfig{HaltedRetry: 10 * time.Millisecond})
		w.Start(p.Run)
		w.AddGift("rose", 5)
		w.CatchUp()
		w.Exec("UPDATE public.checkpoint SET generation = generation + 1")
		w.Exec("INSERT INTO read.projection (name, version) VALUES ('added', 1)")
		w.AddGift("tulip", 5)
		if halt := w.WaitHalted(p); halt.Projection != "added" || !strings.Contains(halt.Error(), "run the program that fits") {
			t.Error(halt)
		}
	})

	for name, replace := range map[string]string{
		"the log is shorter":              "DELETE FROM public.events WHERE position > 3; DELETE FROM public.user_key; DELETE FROM public.credential",
		"the log has another event there": "UPDATE public.events SET event_id = overlay(gen_random_uuid()::text PLACING '7' FROM 15)::uuid WHERE position = (SELECT max(position) FROM public.events)",
	} {
		t.Run("halts at tables of another log until they are rebuilt: "+name, func(t *testing.T) {
			t.Parallel()
			w := projtest.New(t)
			projtest.NewTraffic(w, 3, 1)
			logged := &logtest.Buffer{}
			p := w.Projector(projections.ProjectorConfig{Poll: 10 * time.Millisecond, HaltedRetry: 10 * time.Millisecond, Log: slog.New(slog.NewTextHandler(logged, nil))})
			w.Start(p.Run)
			w.CatchUp()
			at := w.Checkpoint()
			w.Exec("ALTER TABLE public.events DISABLE TRIGGER ALL; " + replace + "; ALTER TABLE public.events ENABLE TRIGGER ALL")
			var lost *consumer.CheckpointError
			w.Eventually(func() error {
				if !errors.As(p.Status().Halted, &lost) {
					return fmt.Errorf("not halted: %+v", p.Status())
				}
				return nil
			})
			if lost.Position != at.Position || lost.EventID != at.EventID || !strings.Contains(lost.Error(), at.EventID.String()) {
				t.Errorf("halted by %v, want position %d, event %s", lost, at.Position, at.EventID)
			}
			w.AddGift("tulip", 5) // newer events do not change the halt
			w.Eventually(func() error {
				if s := p.Status(); s.Head != w.Head() {
					return fmt.Errorf("the status is old: %+v", s)
				}
				return nil
			})
			if p.Status().Halted == nil || w.Checkpoint() != at || logged.Count("projector halted") != 1 {
				t.Errorf("halted by %v at %+v, logged %d times", p.Status().Halted, w.Checkpoint(), logged.Count("projector halted"))
			}
			if _, err := rebuild.Run(t.Context(), w.OwnerPool(), w.Store, rebuild.Config{Now: time.Now}); err != nil {
				t.Fatal(err)
			}
			w.AddGift("daisy", 5)
			w.CatchUp()
			w.Eventually(func() error { return p.Status().Halted })
			w.Verify()
		})
	}

	t.Run("works whatever the defaults of the database are", func(t *testing.T) {
		t.Parallel()
		db := pgtest.New(t)
		for _, setting := range []string{"default_transaction_isolation = 'serializable'", "default_transaction_read_only = on"} {
			if _, err := db.Owner.Exec(t.Context(), "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET "+strings.ReplaceAll(setting, "'", "''")+"', current_database()); END $$"); err != nil {
				t.Fatal(err)
			}
		}
		w := projtest.Open(t, db, eventstore.Config{}, "first")
		w.Project()
		w.AddGift("rose", 5)
		w.CatchUp()
		w.GrowTree()
		if _, err := rebuild.Run(t.Context(), w.OwnerPool(), w.Store, rebuild.Config{Now: time.Now}); err != nil {
			t.Fatal(err)
		}
		w.Verify()
	})

	t.Run("is not delayed by open transactions", func(t *testing.T) {
		t.Parallel()
		w := projtest.New(t)
		tx, err := w.DB.Owner.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback(context.Background()) }()
		if _, err := tx.Exec(t.Context(), "SELECT pg_current_xact_id()"); err != nil {
			t.Fatal(err)
		}
		w.Project()
		w.Register("somebody")
		w.CatchUp()
	})

	t.Run("applies every event once while connections are killed and projectors take turns", func(t *testing.T) {
		t.Parallel()
		w := projtest.New(t)
		c := projtest.NewTraffic(w, 10, 3)
		for _, other := range []*projtest.World{w.Another(), w.Another()} {
			silent := slog.New(slog.DiscardHandler)
			other.Start(other.Projector(projections.ProjectorConfig{Poll: 5 * time.Millisecond, Log: silent}).Run)
		}
		stop := w.Start(func(ctx context.Context) error {
			for ctx.Err() == nil {
				w.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
					AND xact_start IS NOT NULL AND random() < CASE application_name WHEN 'another' THEN 0.5 WHEN 'first' THEN 0.02 ELSE 0 END`)
				select {
				case <-ctx.Done():
				case <-time.After(10 * time.Millisecond):
				}
			}
			return nil
		})
		c.Act(8, 1500)
		stop()
		w.CatchUp()
		w.Verify()
	})

	t.Run("writes nothing while idle", func(t *testing.T) {
		t.Parallel()
		w := projtest.Open(t, pgtest.Server(t, pgtest.Setting("autovacuum", "off")).Open(), eventstore.Config{}, "first")
		projtest.NewTraffic(w, 3, 1)
		p := w.Projector(projections.ProjectorConfig{Poll: time.Millisecond})
		w.Start(p.Run)
		w.CatchUp()
		w.Exec("VACUUM")
		w.Exec("CHECKPOINT")
		const polls = "SELECT xact_rollback + xact_commit FROM pg_stat_database WHERE datname = current_database()"
		xids, wal, begin := w.Int(xidsTaken), w.Int(walWritten), w.Int(polls)
		w.Eventually(func() error {
			if n := w.Int(polls) - begin; n < 500 {
				return fmt.Errorf("%d polls", n)
			}
			return nil
		})
		if taken, written := w.Int(xidsTaken)-xids, w.Int(walWritten)-wal; taken != 0 || written > 1024 {
			t.Errorf("%d transaction ids, %d bytes of WAL", taken, written)
		}
	})
}

const (
	xidsTaken  = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
	walWritten = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint"
)

func TestLagBeforeAProjectorHasRun(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	w.Register("ann")
	lag, err := w.Queries.Lag(t.Context())
	if err != nil || lag.Position != 0 || lag.Head != w.Head() || lag.Oldest.IsZero() || lag.Poisoned != 0 {
		t.Errorf("got %+v, %v", lag, err)
	}
	w.Project()
	w.CatchUp()
	if lag, err := w.Queries.Lag(t.Context()); err != nil || lag.Position != lag.Head || !lag.Oldest.IsZero() {
		t.Errorf("got %+v, %v", lag, err)
	}
}
