package projections_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/projections"
)

// forge puts an event into the log behind the sequencer's back.
func (w *world) forge(position int64, stream string, version int, kind, payload string, live domain.LiveID) {
	w.Helper()
	w.exec(`INSERT INTO public.events (position, stream, version, event_id, type, payload, metadata, live_id, recorded_at)
		VALUES ($1, $2, $3, $4, $5, $6, '{"actor":"forger"}', nullif($7, 0::bigint), now())`, position, stream, version, uuid.New(), kind, payload, int64(live))
	w.store.Appended().Notify()
}

// verified has everything verified, and fails when there is a fault.
func (w *world) verified() {
	w.Helper()
	report, err := projections.Verify(w.Context(), w.store, w.pool, projections.VerifyConfig{Now: time.Now})
	if err != nil {
		w.Fatal(err)
	}
	if report.Fault != "" {
		w.Fatal(report.Fault)
	}
}

// poison answers the rows of the table, as "position projection type".
func (w *world) poison() []string {
	w.Helper()
	rows, err := w.db.Owner.Query(w.Context(), "SELECT position || ' ' || projection || ' ' || type FROM read.poison WHERE cause <> '' ORDER BY position, projection")
	if err != nil {
		w.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		w.Fatal(err)
	}
	return found
}

func (w *world) expectPoison(want ...string) {
	w.Helper()
	if got := strings.Join(w.poison(), ", "); got != strings.Join(want, ", ") {
		w.Errorf("set aside: %s\nwant: %s", got, strings.Join(want, ", "))
	}
}

// halted waits until a projector says why it does not go on.
func (w *world) halted(p *projections.Projector) (halt *projections.HaltError) {
	w.Helper()
	w.eventually(func() error {
		if !errors.As(p.Status().Halted, &halt) {
			return fmt.Errorf("not halted: %+v", p.Status())
		}
		return nil
	})
	return halt
}

func TestProjector(t *testing.T) {
	t.Parallel()
	t.Run("makes tables that follow from the log", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		c := newCrowd(w, 10, 3)
		w.project()
		c.act(8, 800)
		w.caughtUp()
		w.verified()
	})

	t.Run("wakes for an event without polling", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.start(w.projector(projections.ProjectorConfig{Poll: time.Hour}).Run)
		w.register("somebody")
		w.caughtUp()
		other := w.another() // another process appends: LISTEN wakes
		w.start(w.store.Listen)
		other.register("somebody else")
		w.caughtUp()
	})

	t.Run("sets an event aside that a projection without coins cannot take, and nothing else", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		c := newCrowd(w, 5, 2)
		live := c.lives[0]
		head := w.head()
		// Somebody leaves an empty room who never came; the same event is fine for all other projections.
		w.forge(head+1, fmt.Sprintf("visit-%d-999", live), 1, "viewer.left.v1", fmt.Sprintf(`{"live":%d,"user":999,"cause":"requested"}`, live), live)
		c.people[0].asks(domain.JoinLive{Live: live, Node: "p"})
		// What cannot even be read is set aside by everybody who reads the type.
		w.forge(head+3, fmt.Sprintf("live-%d", c.lives[1]), 3, "live.status_changed.v1", `{"live":"?"}`, c.lives[1])
		p := w.projector(projections.ProjectorConfig{})
		w.start(p.Run)
		w.caughtUp()
		w.expectPoison(fmt.Sprintf("%d viewers viewer.left.v1", head+1), fmt.Sprintf("%d lives live.status_changed.v1", head+3))
		room, err := w.queries.LiveSnapshot(t.Context(), live)
		if err != nil || room.Online != 1 || len(room.Viewers) != 1 {
			t.Errorf("online %d, viewers %v, %v", room.Online, room.Viewers, err)
		}
		w.eventually(func() error {
			if s := p.Status(); s.Poisoned != 2 || s.Halted != nil {
				return fmt.Errorf("%+v", s)
			}
			return nil
		})
	})

	t.Run("halts at a coin event that it cannot take, behind everything before it", func(t *testing.T) {
		t.Parallel()
		for name, forge := range map[string]struct{ kind, payload, why string }{
			"a wrong balance": {"coins.credited.v1", `{"user":1,"order":"o","coins":5,"balance_after":7,
				"postings":[{"account":"provider","amount":-5},{"account":"user-1","amount":5}]}`, "coin_movement_adds_up"},
			"more than there is": {"gift.sent.v1", `{"sender":1,"streamer":1,"live":1,"gift":1,"name":"g","price":5000,"num":1,"coins":5000,"balance_after":0,
				"postings":[{"account":"user-1","amount":-5000},{"account":"earnings-1","amount":5000}]}`, "coin_never_negative"},
			"one-sided postings": {"coins.credited.v1", `{"user":1,"order":"o","coins":5,"balance_after":1005,
				"postings":[{"account":"user-1","amount":5}]}`, "add up to 5"},
			"an unreadable payload": {"gift.sent.v1", `{"sender":"?"}`, "cannot be read"},
			"an unknown type":       {"gift.refunded.v1", `{}`, "does not know the type"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				c := newCrowd(w, 2, 1)
				at := w.head() + 1
				w.forge(at, "wallet-1", 2, forge.kind, forge.payload, 0)
				w.forge(at+1, "comment-1", 1, "comment.posted.v1", `{"live":1,"user":9,"text":"unsealed"}`, c.lives[0])
				said := &said{}
				p := w.projector(projections.ProjectorConfig{HaltedRetry: 10 * time.Millisecond, Log: slog.New(slog.NewTextHandler(said, nil))})
				w.start(p.Run)
				if halt := w.halted(p); halt.Position != at || !strings.Contains(halt.Error(), forge.why) {
					t.Errorf("halted by %v", halt)
				}
				w.eventually(func() error {
					if position, _ := w.checkpoint(); position != at-1 {
						return fmt.Errorf("the tables are at %d, want %d", position, at-1)
					}
					return nil
				})
				w.eventually(func() error {
					if s := p.Status(); s.Position != at-1 || s.Head != at+1 || s.LagSeconds <= 0 {
						return fmt.Errorf("%+v", s)
					}
					return nil
				})
				if w.expectPoison(); said.count("projecting is halted") != 1 {
					t.Errorf("said %d times", said.count("projecting is halted"))
				}
			})
		}
	})

	t.Run("halts at a hole in the log", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.list("rose", 5)
		w.forge(w.head()+2, "gift-1", 3, "gift.withdrawn.v1", `{"gift":1}`, 0)
		p := w.projector(projections.ProjectorConfig{HaltedRetry: 10 * time.Millisecond})
		w.start(p.Run)
		if halt := w.halted(p); halt.Position != 2 {
			t.Error(halt)
		}
	})

	t.Run("leaves what halts it to a program that is mended", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		c := newCrowd(w, 2, 1)
		broken := projections.WithFold("sent_gifts", func(e domain.GiftSent) {
			if e.Num == 7 {
				panic("this program cannot count to seven")
			}
		})
		p := w.projector(projections.ProjectorConfig{Projections: broken, HaltedRetry: 10 * time.Millisecond})
		w.start(p.Run)
		at := c.people[0].asks(domain.SendGift{Live: c.lives[0], Gift: c.gifts[0], Num: 7}).Position
		if halt := w.halted(p); halt.Position != at || !strings.Contains(halt.Error(), "seven") {
			t.Error(halt)
		}
		w.project()
		w.caughtUp()
		w.verified()
		w.eventually(func() error { return p.Status().Halted })
		c.people[0].asks(domain.SendGift{Live: c.lives[0], Gift: c.gifts[0], Num: 1})
		w.caughtUp()
	})

	t.Run("does not write tables of another version", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		stop := w.project()
		w.list("rose", 5)
		w.caughtUp()
		stop()
		w.exec("UPDATE read.projection SET version = 99 WHERE name = 'gift_catalogue'")
		p := w.projector(projections.ProjectorConfig{HaltedRetry: 10 * time.Millisecond})
		w.start(p.Run)
		w.list("tulip", 5)
		if halt := w.halted(p); halt.Projection != "gift_catalogue" || !strings.Contains(halt.Error(), "rebuild") {
			t.Error(halt)
		}
		w.exec("UPDATE read.projection SET version = 1 WHERE name = 'gift_catalogue'")
		w.caughtUp()
		if err := p.Status().Halted; err != nil {
			t.Error(err)
		}
	})

	t.Run("is not delayed by anybody's open transaction", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		tx, err := w.db.Owner.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback(context.Background()) }()
		if _, err := tx.Exec(t.Context(), "SELECT pg_current_xact_id()"); err != nil {
			t.Fatal(err)
		}
		w.project()
		w.register("somebody")
		w.caughtUp()
	})

	t.Run("loses and doubles nothing when its connections are killed, and takes turns", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		c := newCrowd(w, 10, 3)
		for _, other := range []*world{w.another(), w.another()} {
			silent := slog.New(slog.DiscardHandler)
			other.start(other.projector(projections.ProjectorConfig{Poll: 5 * time.Millisecond, Log: silent}).Run)
		}
		stop := w.start(func(ctx context.Context) error {
			for ctx.Err() == nil {
				w.exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
					AND xact_start IS NOT NULL AND random() < CASE application_name WHEN 'another' THEN 0.5 WHEN 'first' THEN 0.02 ELSE 0 END`)
				select {
				case <-ctx.Done():
				case <-time.After(10 * time.Millisecond):
				}
			}
			return nil
		})
		c.act(8, 1500)
		stop()
		w.caughtUp()
		w.verified()
	})

	t.Run("writes nothing while there is nothing to do", func(t *testing.T) {
		t.Parallel()
		w := openWorld(t, pgtest.Server(t, pgtest.Setting("autovacuum", "off")).Open(), eventstore.Config{}, "first")
		newCrowd(w, 3, 1)
		p := w.projector(projections.ProjectorConfig{Poll: time.Millisecond})
		w.start(p.Run)
		w.caughtUp()
		w.exec("VACUUM")
		w.exec("CHECKPOINT")
		const polls = "SELECT xact_rollback + xact_commit FROM pg_stat_database WHERE datname = current_database()"
		xids, wal, begin := w.number(xidsTaken), w.number(walWritten), w.number(polls)
		w.eventually(func() error {
			if n := w.number(polls) - begin; n < 500 {
				return fmt.Errorf("%d polls", n)
			}
			return nil
		})
		if taken, written := w.number(xidsTaken)-xids, w.number(walWritten)-wal; taken != 0 || written > 1024 {
			t.Errorf("%d transaction ids, %d bytes of WAL", taken, written)
		}
	})
}

const (
	xidsTaken  = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
	walWritten = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint"
)

func (w *world) number(sql string, args ...any) (n int64) {
	w.Helper()
	if err := w.db.Owner.QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		w.Fatalf("%s: %v", sql, err)
	}
	return n
}

// said is a log that can be counted.
type said struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *said) count(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Count(s.text.String(), what)
}
