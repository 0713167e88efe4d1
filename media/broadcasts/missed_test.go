package broadcasts_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/media"
	"roomlog/media/broadcasts"
	"roomlog/projections"
)

// toldOf is what was told of a room's shows.
func (p *process) toldOf(r room) (of []broadcasts.Change) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.told {
		if t.Live == r.live {
			of = append(of, t)
		}
	}
	return of
}

// lastEnd is where the newest end of a room's streams is in the log.
func (p *process) lastEnd(r room) (position int64) {
	p.Helper()
	if err := p.db.Owner.QueryRow(p.Context(), "SELECT max(position) FROM events WHERE type = 'broadcast.stopped.v1' AND live_id = $1", r.live).Scan(&position); err != nil {
		p.Fatal(err)
	}
	return position
}

// tables is a pool of its own for a stage's questions, which can be cut off.
type tables struct {
	off   atomic.Bool
	asked atomic.Int64 // in vain
}

func (c *tables) open(t testing.TB, db *pgtest.DB) *projections.Queries {
	t.Helper()
	usual, err := eventstore.OpenPool(t.Context(), db.DSN, eventstore.PoolOptions{Serving: db.Serving, MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer usual.Close()
	cfg := usual.Config()
	cfg.PrepareConn = func(context.Context, *pgx.Conn) (bool, error) {
		if c.off.Load() {
			c.asked.Add(1)
			return true, errors.New("cut off")
		}
		return true, nil
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return projections.NewQueries(pool)
}

// A stage that does not hear for a while does not hold up the feed of its process, and finds out what it missed.
func TestWhatWasMissed(t *testing.T) {
	t.Parallel()
	var c tables
	db := pgtest.New(t)
	p := open(t, db, "p1", func(cfg *broadcasts.Config) { cfg.Queries = c.open(t, db) })
	ended, kicked, replaced, lost, fine := p.room(), p.room(), p.room(), p.room(), p.room()
	encoders := make(map[room]*encoder)
	for _, r := range []room{ended, kicked, replaced, lost, fine} {
		encoders[r] = p.publish(r)
	}
	before := p.show(lost)

	c.off.Store(true)
	p.asks(ended.owner, domain.ChangeLiveStatus{Live: ended.live, To: domain.LiveStop})
	p.eventually("the stage asks in vain", func() bool { return c.asked.Load() > 0 })
	p.asks(operator, domain.KickBroadcast{Live: kicked.live})
	p.asks(system, domain.StartBroadcast{Live: replaced.live, Broadcast: "another", Node: "q"})
	p.asks(system, domain.StopBroadcast{Live: lost.live, Broadcast: before.ID, Cause: domain.StopNodeLost})
	spare := p.room()
	for range 150 { // more batches than wait for a subscriber
		for _, command := range []domain.Command{
			domain.StartBroadcast{Live: spare.live, Broadcast: "spare", Node: "p1"}, domain.StopBroadcast{Live: spare.live, Broadcast: "spare", Cause: domain.StopByPublisher},
		} {
			receipt := p.asks(system, command)
			p.eventually("the feed goes on", func() bool { return p.feed.Checkpoint() >= receipt.Position })
		}
	}
	c.off.Store(false)

	p.gone(encoders[ended], "the room has ended")
	p.gone(encoders[kicked], "an operator has ended it")
	p.gone(encoders[replaced], "another stream of the room began elsewhere")
	p.eventually("the show is on again", func() bool { now := p.show(lost); return now.ID != "" && now.ID != before.ID })
	p.hasEnded(kicked, domain.StopKicked)
	p.hasEnded(replaced, domain.StopReplaced)
	if got := p.ends(fine); len(got) != 0 {
		t.Errorf("a stream that nobody has ended has ended %v", got)
	}
	p.eventually("the end is told", func() bool { return len(p.toldOf(kicked)) == 2 })
	if got := p.toldOf(kicked)[1]; got.Reason != media.ReasonKicked || got.Position != p.lastEnd(kicked) {
		t.Errorf("%+v", got)
	}
}

func TestWhatIsToldOfAShow(t *testing.T) {
	t.Parallel()
	p := open(t, pgtest.New(t), "p1", nil)
	tell := func(s *broadcasts.Manager, r room, id string) media.Broadcast {
		show := media.Broadcast{ID: id, Key: r.key}
		p.eventually("the tables have the room", func() bool { _, err := p.queries.LiveByStreamKey(t.Context(), r.key); return err == nil })
		s.PublishStarted(t.Context(), show)
		return show
	}
	t.Run("is nothing if the log does not take it", func(t *testing.T) {
		r := p.room()
		p.asks(r.owner, domain.ChangeLiveStatus{Live: r.live, To: domain.LiveStop})
		show := tell(p.stage, r, "refused")
		p.stage.PublishStopped(t.Context(), show, media.ReasonEnded)
		if got := p.toldOf(r); len(got) != 0 {
			t.Errorf("%+v", got)
		}
	})
	t.Run("is where its end is, whoever has said so", func(t *testing.T) {
		r := p.room()
		show := tell(p.stage, r, "kicked")
		p.asks(operator, domain.KickBroadcast{Live: r.live})
		p.eventually("it is heard", func() bool {
			return errors.Is(p.stage.AuthorizePublish(t.Context(), media.PublishRequest{Key: r.key, Sign: p.signer.Publish(r.key)}), broadcasts.ErrRecentlyKicked)
		})
		p.room() // the log goes on
		p.stage.PublishStopped(t.Context(), show, media.ReasonKicked)
		if got := p.toldOf(r); len(got) != 2 || got[1].Position != p.lastEnd(r) {
			t.Errorf("%+v; it ended at %d", got, p.lastEnd(r))
		}
	})
	t.Run("is no place if its end was not heard", func(t *testing.T) {
		deaf, err := broadcasts.New(p.cfg)
		if err != nil {
			t.Fatal(err)
		}
		deaf.Attach(p.server)
		r := p.room()
		show := tell(deaf, r, "unheard")
		p.asks(operator, domain.KickBroadcast{Live: r.live})
		deaf.PublishStopped(t.Context(), show, media.ReasonLost)
		if got := p.toldOf(r); len(got) != 2 || got[1].Position != 0 {
			t.Errorf("%+v", got)
		}
	})
}
