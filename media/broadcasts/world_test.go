package broadcasts_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/message"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/cluster"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/clocktest"
	"roomlog/media"
	"roomlog/media/broadcasts"
	"roomlog/media/rtmp"
	"roomlog/projections"
	"roomlog/projections/feed"
)

const (
	timeout       = 3 * time.Minute
	lostNodeGrace = 200 * time.Millisecond // duration on the clock of a node; the tables are read every 50 ms
	secret        = "a-secret-of-this-house"
)

// node is a server process as a test sees it.
type node struct {
	testing.TB
	*process
}

// in returns the node as a subtest sees it: its failures are those of the subtest.
func (p *node) in(t testing.TB) *node { return &node{t, p.process} }

// process is a server process with a media server, one of several that may share a database.
type process struct {
	name      string
	db        *pgtest.DB
	pool      *pgxpool.Pool
	store     *eventstore.Store
	sequencer *eventstore.Sequencer
	queries   *projections.Queries
	signer    *media.Signer
	feed      *feed.Feed
	cfg       broadcasts.Config
	manager   *broadcasts.Manager
	server    *media.Server
	directory *broadcasts.Directory
	cluster   *cluster.Cluster
	clock     *clocktest.Clock // clock by which lost nodes are found
	now       *clocktest.Clock // clock by which signs and bans expire
	rtmp      string
	stop      func() // shuts down in order

	mu      sync.Mutex
	changes []broadcasts.Change
	holds   map[string]chan struct{} // channels on which authorized publishers wait, by stream key
	held    atomic.Int64
}

func open(t testing.TB, db *pgtest.DB, name string, change func(*broadcasts.Config)) *node {
	t.Helper()
	pool, err := eventstore.OpenPool(t.Context(), db.DSN, eventstore.PoolOptions{Serving: db.Serving, MaxConns: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	p := &node{t, &process{name: name, db: db, pool: pool, queries: projections.NewQueries(pool), clock: clocktest.New(), now: clocktest.Real()}}
	if p.store, err = eventstore.Open(t.Context(), pool, eventstore.Config{Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	if p.signer, err = media.NewSigner([]string{secret}, 0, p.now.Now); err != nil {
		t.Fatal(err)
	}
	p.sequencer = eventstore.NewSequencer(p.store, eventstore.SequencerConfig{Timeout: timeout})
	p.feed = feed.New(p.store, p.queries, feed.Config{SubscriberTimeout: 2 * timeout})
	p.queries = p.queries.After(p.feed.UpToDate)
	p.cluster = cluster.New(cluster.NewPostgres(pool), cluster.Config{Node: name, Now: p.clock.Now})
	cfg := broadcasts.Config{Store: p.store, Commands: p.sequencer, Queries: p.queries, Owners: p.admission(p.queries), Feed: p.feed, Cluster: p.cluster,
		Signer: p.signer, Now: p.now.Now, LostNodeGrace: lostNodeGrace, OnChange: p.changed}
	if change != nil {
		change(&cfg)
	}
	p.cfg = cfg
	if p.manager, err = broadcasts.New(cfg); err != nil {
		t.Fatal(err)
	}
	p.server, err = media.New(media.Config{Authorizer: media.Authorizers{p.manager, p}, Observer: p.manager, Now: p.now.Now, SettleTime: 50 * time.Millisecond, StreamGrace: -1,
		RTMP: rtmp.Config{MessageTimeout: timeout, MediaTimeout: timeout},
		HLS:  media.HLSConfig{IdleTimeout: time.Hour, Linger: 2 * timeout}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	p.manager.Attach(p.server)
	p.directory = broadcasts.NewDirectory(p.cluster, p.queries)
	p.run()
	return p
}

// hold makes publishers of a stream key wait after their authorization until release is closed.
func (p *node) hold(key string, release chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holds = map[string]chan struct{}{key: release}
}

func (p *node) AuthorizeConnect(context.Context, media.ConnectRequest) error { return nil }

func (p *node) AuthorizePlay(context.Context, media.PlayRequest) error { return nil }

// AuthorizePublish is called after that of the manager.
func (p *node) AuthorizePublish(_ context.Context, r media.PublishRequest) error {
	p.mu.Lock()
	release := p.holds[r.Key]
	p.mu.Unlock()
	if release != nil {
		p.held.Add(1)
		select {
		case <-release:
		case <-p.Context().Done():
		}
	}
	return nil
}

// admission returns the check of owners over some tables.
func (p *node) admission(queries *projections.Queries) *projections.Admission {
	p.Helper()
	a, err := projections.NewAdmission(projections.AdmissionConfig{Queries: queries, Tables: p.feed, Head: p.store.Head, Now: p.now.Now})
	if err != nil {
		p.Fatal(err)
	}
	return a
}

// run starts everything. stop ends it in reverse order.
func (p *node) run() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.Fatal(err)
	}
	p.rtmp = ln.Addr().String()
	var stops []func()
	start := func(run func(context.Context) error) func() {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if err := run(ctx); err != nil {
				p.Error(err)
			}
		}()
		stop := sync.OnceFunc(func() { cancel(); <-ended })
		stops = append(stops, stop)
		return stop
	}
	start(p.store.Listen)
	start(projections.NewProjector(p.store, projections.ProjectorConfig{Now: time.Now}).Run)
	start(p.sequencer.Run)
	start(p.feed.Run)
	start(p.cluster.Run)
	start(p.manager.Run)
	start(p.server.Run)
	start(func(ctx context.Context) error { return p.server.ServeRTMP(ctx, ln) })
	p.stop = sync.OnceFunc(func() {
		for _, stop := range slices.Backward(stops) {
			stop()
		}
	})
	p.Cleanup(p.stop)
	p.eventually("the node has joined the cluster", func() bool {
		nodes, err := p.cluster.Nodes(p.Context())
		return err == nil && nodes.Contains(p.name)
	})
}

func (p *node) changed(_ context.Context, c broadcasts.Change) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changes = append(p.changes, c)
}

func (p *node) eventually(what string, ok func() bool) {
	p.Helper()
	for deadline := time.Now().Add(timeout); !ok(); {
		if time.Now().After(deadline) {
			p.Fatalf("timed out waiting until %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// execute executes a command that must be accepted.
func (p *node) execute(by domain.Actor, c domain.Command) eventstore.Receipt {
	p.Helper()
	receipt, err := p.sequencer.Execute(context.Background(), domain.Request{Command: c, Actor: by})
	if err != nil {
		p.Fatalf("%s: %v", c.Type(), err)
	}
	return receipt
}

var (
	operator = domain.Actor{Kind: domain.Operator}
	system   = domain.Actor{Kind: domain.System}
)

// live is a live with its stream key and its owner.
type live struct {
	id    domain.LiveID
	key   string
	owner domain.Actor
}

// live creates a user and a live of that user.
func (p *node) live() live {
	p.Helper()
	name := uuid.NewString()[:12]
	owner := p.execute(domain.Actor{}, domain.RegisterUser{Username: name, NameKey: p.store.NameKey(name), Credential: uuid.NewString()}).
		Events[0].Event.(domain.UserRegistered).User
	p.execute(domain.Actor{}, domain.SignIn{User: owner, Session: "s"})
	by := domain.AuthenticatedActor(owner, "s")
	created := p.execute(by, domain.CreateLive{Title: "a live", StreamKey: strings.ReplaceAll(uuid.NewString(), "-", "")[:20]}).Events[0].Event.(domain.LiveCreated)
	return live{created.Live, created.StreamKey, by}
}

// encoder is a publisher that sends audio until it is disconnected.
type encoder struct {
	*gortmplib.Client
	ended chan struct{}
}

// dial publishes a live. It returns an error if the server refuses.
func (p *node) dial(l live, sign string) (*encoder, error) {
	c := &gortmplib.Client{URL: &url.URL{Scheme: "rtmp", Host: p.rtmp, Path: "/live/" + l.key, RawQuery: "sign=" + sign}, Publish: true}
	if err := c.Initialize(p.Context()); err != nil {
		return nil, err
	}
	e := &encoder{c, make(chan struct{})}
	go func() {
		defer close(e.ended)
		for at := time.Duration(0); ; at += 20 * time.Millisecond {
			if c.Write(&message.Audio{ChunkStreamID: 4, MessageStreamID: 0x1000000, Codec: message.CodecMPEG1Audio, DTS: at, Rate: message.AudioRate44100,
				Depth: message.AudioDepth16, IsStereo: true, AU: []byte{0xff, 0xfb, 0x90, 0x64, 1, 2, 3}}) != nil {
				return
			}
			<-time.After(5 * time.Millisecond)
		}
	}()
	p.Cleanup(func() { c.Close(); <-e.ended })
	return e, nil
}

// publish publishes a live and waits until the tables have the broadcast.
func (p *node) publish(l live) *encoder {
	p.Helper()
	e, err := p.dial(l, p.signer.Publish(l.key))
	if err != nil {
		p.Fatal(err)
	}
	p.awaitBroadcast(l)
	return e
}

// awaitBroadcast waits until the tables have a broadcast of a live on this node that the log has not ended. The tables may be
// behind and still have the broadcast before.
func (p *node) awaitBroadcast(l live) {
	p.Helper()
	p.eventually("the tables have the broadcast", func() (running bool) {
		b := p.broadcast(l)
		if b.Node != p.name {
			return false
		}
		const query = "SELECT NOT EXISTS (SELECT FROM events WHERE type = 'broadcast.stopped.v1' AND live_id = $1 AND payload->>'broadcast' = $2)"
		if err := p.pool.QueryRow(p.Context(), query, l.id, b.ID).Scan(&running); err != nil {
			p.Fatal(err)
		}
		return running
	})
}

// broadcast returns the broadcast of a live in the tables.
func (p *node) broadcast(l live) projections.Broadcast {
	p.Helper()
	found, err := p.queries.Live(p.Context(), l.id)
	if err != nil && !errors.Is(err, projections.ErrNotFound) { // the tables may be behind
		p.Fatal(err)
	}
	return found.Broadcast
}

// disconnected waits until an encoder is disconnected.
func (p *node) disconnected(e *encoder, why string) {
	p.Helper()
	select {
	case <-e.ended:
	case <-time.After(timeout):
		p.Fatalf("the encoder is still connected: %s", why)
	}
}

// ends returns the causes of the ends of a live's broadcasts in the log, oldest first.
func (p *node) ends(l live) (causes []domain.StopCause) {
	p.Helper()
	rows, err := p.db.Owner.Query(p.Context(), "SELECT payload->>'cause' FROM events WHERE type = 'broadcast.stopped.v1' AND live_id = $1 ORDER BY position", l.id)
	if err != nil {
		p.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var cause domain.StopCause
		if err := rows.Scan(&cause); err != nil {
			p.Fatal(err)
		}
		causes = append(causes, cause)
	}
	return causes
}

// expectEnds waits until the log has the ends of a live's broadcasts with these causes.
func (p *node) expectEnds(l live, want ...domain.StopCause) {
	p.Helper()
	p.eventually("the log has the ends", func() bool { return len(p.ends(l)) >= len(want) })
	if got := p.ends(l); !slices.Equal(got, want) {
		p.Errorf("the broadcasts ended with %v, want %v", got, want)
	}
}
