package broadcasts_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/cluster"
	"roomlog/eventstore/pgtest"
	"roomlog/media"
	"roomlog/media/broadcasts"
	"roomlog/projections"
)

// changesOf returns the changes of a live's broadcasts so far.
func (p *node) changesOf(l live) (of []broadcasts.Change) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.changes {
		if c.Live == l.id {
			of = append(of, c)
		}
	}
	return of
}

// lastEnd returns the position of the newest end of a live's broadcasts.
func (p *node) lastEnd(l live) (position int64) {
	p.Helper()
	if err := p.db.Owner.QueryRow(p.Context(), "SELECT max(position) FROM events WHERE type = 'broadcast.stopped.v1' AND live_id = $1", l.id).Scan(&position); err != nil {
		p.Fatal(err)
	}
	return position
}

// tables is a separate pool for the queries of a manager. While off is set, all queries fail.
type tables struct {
	off    atomic.Bool
	failed atomic.Int64

	mu      sync.Mutex
	queries []pgx.TraceQueryStartData
}

// TraceQueryStart records a query.
func (c *tables) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queries = append(c.queries, q)
	return ctx
}

func (c *tables) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// queriesWith returns the arguments of all queries so far whose text contains part.
func (c *tables) queriesWith(part string) (args [][]any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, q := range c.queries {
		if strings.Contains(q.SQL, part) {
			args = append(args, q.Args)
		}
	}
	return args
}

func (c *tables) open(t testing.TB, db *pgtest.DB) *projections.Queries {
	t.Helper()
	usual, err := eventstore.OpenPool(t.Context(), db.DSN, eventstore.PoolOptions{Serving: db.Serving, MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer usual.Close()
	cfg := usual.Config()
	cfg.ConnConfig.Tracer = c
	cfg.PrepareConn = func(context.Context, *pgx.Conn) (bool, error) {
		if c.off.Load() {
			c.failed.Add(1)
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

// TestMissedEventsAreHandled checks that a manager whose queries fail for a while does not delay the feed, and later
// handles the events that it has missed.
func TestMissedEventsAreHandled(t *testing.T) {
	t.Parallel()
	var c tables
	db := pgtest.New(t)
	p := open(t, db, "p1", func(cfg *broadcasts.Config) {
		cfg.Queries = c.open(t, db)
		cfg.LostNodeGrace = time.Hour // so long that the broadcast of node q, which does not exist, is not ended
	})
	ended, kicked, replaced, lost, banned, fine := p.live(), p.live(), p.live(), p.live(), p.live(), p.live()
	encoders := make(map[live]*encoder)
	for _, l := range []live{ended, kicked, replaced, lost, banned, fine} {
		encoders[l] = p.publish(l)
	}
	player := &gortmplib.Client{URL: &url.URL{Scheme: "rtmp", Host: p.rtmp, Path: "/live/" + fine.key, RawQuery: "sign=" + p.signer.Play(fine.key)}}
	if err := player.Initialize(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer player.Close()
	before := p.broadcast(lost)

	c.off.Store(true)
	p.execute(ended.owner, domain.ChangeLiveStatus{Live: ended.id, To: domain.LiveStop})
	p.eventually("a query of the manager has failed", func() bool { return c.failed.Load() > 0 })
	p.execute(operator, domain.KickBroadcast{Live: kicked.id})
	p.execute(operator, domain.KickPlayer{Live: fine.id, Player: domain.PlayerID(p.server.Players(fine.key)[0].Client.ID)})
	p.execute(operator, domain.BanUser{User: banned.owner.User})
	p.execute(system, domain.StartBroadcast{Live: replaced.id, Broadcast: "another", Node: "q"})
	p.execute(system, domain.StopBroadcast{Live: lost.id, Broadcast: before.ID, Cause: domain.StopNodeLost})
	spare := p.live()
	for range 150 { // more batches than a subscription holds
		for _, command := range []domain.Command{
			domain.StartBroadcast{Live: spare.id, Broadcast: "spare", Node: "p1"}, domain.StopBroadcast{Live: spare.id, Broadcast: "spare", Cause: domain.StopByPublisher},
		} {
			receipt := p.execute(system, command)
			p.eventually("the feed advances", func() bool { return p.feed.Checkpoint() >= receipt.Position })
		}
	}
	c.off.Store(false)

	p.disconnected(encoders[ended], "the live has ended")
	p.disconnected(encoders[kicked], "an operator has ended the broadcast")
	p.disconnected(encoders[banned], "the owner is banned")
	p.disconnected(encoders[replaced], "another broadcast of the live has begun on another node")
	p.eventually("the broadcast has another id", func() bool { now := p.broadcast(lost); return now.ID != "" && now.ID != before.ID })
	p.eventually("the player is disconnected", func() bool { return len(p.server.Players(fine.key)) == 0 })
	p.expectEnds(kicked, domain.StopKicked)
	p.expectEnds(replaced, domain.StopReplaced)
	p.expectEnds(banned, domain.StopOwnerUnavailable)
	if got := p.ends(fine); len(got) != 0 {
		t.Errorf("a broadcast that nobody has ended has ended with %v, want 0 elements", got)
	}
	p.eventually("OnChange has been called twice", func() bool { return len(p.changesOf(kicked)) == 2 })
	if got := p.changesOf(kicked)[1]; got.Reason != media.ReasonKicked || got.Position != p.lastEnd(kicked) {
		t.Errorf("got %+v", got)
	}
}

func TestOnChange(t *testing.T) {
	t.Parallel()
	p := open(t, pgtest.New(t), "p1", nil)
	start := func(m *broadcasts.Manager, l live, id string) media.Broadcast {
		b := media.Broadcast{ID: id, Key: l.key}
		p.eventually("the tables have the live", func() bool { _, err := p.queries.LiveByStreamKey(t.Context(), l.key); return err == nil })
		m.PublishStarted(t.Context(), b)
		return b
	}
	t.Run("is not called if the log refuses the beginning", func(t *testing.T) {
		l := p.live()
		p.execute(l.owner, domain.ChangeLiveStatus{Live: l.id, To: domain.LiveStop})
		b := start(p.manager, l, "refused")
		p.manager.PublishStopped(t.Context(), b, media.ReasonEnded)
		if got := p.changesOf(l); len(got) != 0 {
			t.Errorf("got %+v, want 0 elements", got)
		}
	})
	t.Run("is called with the position of an end that an operator has recorded", func(t *testing.T) {
		l := p.live()
		b := start(p.manager, l, "kicked")
		p.execute(operator, domain.KickBroadcast{Live: l.id})
		p.eventually("the manager has received the kick", func() bool { return errors.Is(p.authorizePublish(l), broadcasts.ErrRecentlyKicked) })
		p.live() // the log goes on
		p.manager.PublishStopped(t.Context(), b, media.ReasonKicked)
		if got := p.changesOf(l); len(got) != 2 || got[1].Position != p.lastEnd(l) {
			t.Errorf("%+v; it ended at %d", got, p.lastEnd(l))
		}
	})
	t.Run("is called with position 0 if the end was not received", func(t *testing.T) {
		cfg := p.cfg
		cfg.Cluster = cluster.New(cluster.NewPostgres(p.db.Pool), cluster.Config{Node: "p1", Now: cfg.Now})
		deaf, err := broadcasts.New(cfg) // does not run
		if err != nil {
			t.Fatal(err)
		}
		deaf.Attach(p.server)
		l := p.live()
		b := start(deaf, l, "unheard")
		p.execute(operator, domain.KickBroadcast{Live: l.id})
		deaf.PublishStopped(t.Context(), b, media.ReasonLost)
		if got := p.changesOf(l); len(got) != 2 || got[1].Position != 0 {
			t.Errorf("got %+v, want 2 elements, got[1].Position 0", got)
		}
	})
}
