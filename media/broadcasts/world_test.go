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
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/message"
	"github.com/google/uuid"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/media"
	"roomlog/media/broadcasts"
	"roomlog/projections"
	"roomlog/projections/feed"
)

const (
	patience = 30 * time.Second
	secret   = "a-secret-of-this-house"
)

// process is a server process with its door of streams, one of perhaps several on a database.
type process struct {
	testing.TB
	name      string
	db        *pgtest.DB
	store     *eventstore.Store
	sequencer *eventstore.Sequencer
	queries   *projections.Queries
	signer    *media.Signer
	feed      *feed.Feed
	cfg       broadcasts.Config // of the stage
	stage     *broadcasts.Manager
	server    *media.Server
	board     *broadcasts.Directory
	rtmp      string
	stopBeat  func()
	stop      func() // in good order

	mu   sync.Mutex
	told []broadcasts.Change
}

func open(t testing.TB, db *pgtest.DB, name string, change func(*broadcasts.Config)) *process {
	t.Helper()
	pool, err := eventstore.OpenPool(t.Context(), db.DSN, eventstore.PoolOptions{Serving: db.Serving, MaxConns: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	p := &process{TB: t, name: name, db: db, queries: projections.NewQueries(pool)}
	if p.store, err = eventstore.Open(t.Context(), pool, eventstore.Config{Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	if p.signer, err = media.NewSigner([]string{secret}, 0, time.Now); err != nil {
		t.Fatal(err)
	}
	p.sequencer = eventstore.NewSequencer(p.store, eventstore.SequencerConfig{})
	p.feed = feed.New(p.store, p.queries, feed.Config{SubscriberTimeout: 2 * patience})
	cfg := broadcasts.Config{Store: p.store, Commands: p.sequencer, Queries: p.queries, Feed: p.feed, Signer: p.signer, Node: name,
		Now: time.Now, Grace: 500 * time.Millisecond, OnChange: p.hear}
	if change != nil {
		change(&cfg)
	}
	p.cfg = cfg
	if p.stage, err = broadcasts.New(cfg); err != nil {
		t.Fatal(err)
	}
	p.server, err = media.New(media.Config{Authorizer: p.stage, Observer: p.stage, Now: time.Now, SettleTime: 50 * time.Millisecond, StreamGrace: -1,
		Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	p.stage.Attach(p.server)
	p.board = broadcasts.NewDirectory(p.store, p.queries)
	p.run()
	return p
}

// run starts everything; stop ends it from the doors down.
func (p *process) run() {
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
	p.stopBeat = start(func(ctx context.Context) error { return p.store.Beat(ctx, p.name) })
	start(p.stage.Run)
	start(p.server.Run)
	start(func(ctx context.Context) error { return p.server.ServeRTMP(ctx, ln) })
	p.stop = sync.OnceFunc(func() {
		for _, stop := range slices.Backward(stops) {
			stop()
		}
	})
	p.Cleanup(p.stop)
	p.eventually("the process beats", func() bool {
		alive, err := p.store.Alive(p.Context())
		return err == nil && alive(p.name)
	})
}

func (p *process) hear(_ context.Context, t broadcasts.Change) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = append(p.told, t)
}

func (p *process) eventually(what string, ok func() bool) {
	p.Helper()
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			p.Fatalf("waited in vain for %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func (p *process) asks(by domain.Actor, c domain.Command) eventstore.Receipt {
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

// room is a live with its key, and who owns it.
type room struct {
	live  domain.LiveID
	key   string
	owner domain.Actor
}

func (p *process) room() room {
	p.Helper()
	name := uuid.NewString()[:12]
	owner := p.asks(domain.Actor{}, domain.RegisterUser{Username: name, NameKey: p.store.NameKey(name), Credential: uuid.NewString()}).
		Events[0].Event.(domain.UserRegistered).User
	p.asks(domain.Actor{}, domain.SignIn{User: owner, Session: "s"})
	by := domain.AuthenticatedActor(owner, "s")
	made := p.asks(by, domain.CreateLive{Title: "a room", StreamKey: strings.ReplaceAll(uuid.NewString(), "-", "")[:20]}).Events[0].Event.(domain.LiveCreated)
	return room{made.Live, made.StreamKey, by}
}

// encoder is a publisher that sends as long as it may.
type encoder struct {
	*gortmplib.Client
	ended chan struct{}
}

// dial asks to publish, and answers an error if it may not.
func (p *process) dial(r room, sign string) (*encoder, error) {
	c := &gortmplib.Client{URL: &url.URL{Scheme: "rtmp", Host: p.rtmp, Path: "/live/" + r.key, RawQuery: "sign=" + sign}, Publish: true}
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

// publish is dial for who may, and waits until the log has it.
func (p *process) publish(r room) *encoder {
	p.Helper()
	e, err := p.dial(r, p.signer.Publish(r.key))
	if err != nil {
		p.Fatal(err)
	}
	p.eventually("the log has the stream", func() bool { return p.show(r).Node == p.name })
	return e
}

// show is what the tables say of a room.
func (p *process) show(r room) projections.Broadcast {
	p.Helper()
	live, err := p.queries.Live(p.Context(), r.live)
	if err != nil && !errors.Is(err, projections.ErrNotFound) { // the tables may be behind
		p.Fatal(err)
	}
	return live.Broadcast
}

func (p *process) gone(e *encoder, why string) {
	p.Helper()
	select {
	case <-e.ended:
	case <-time.After(patience):
		p.Fatalf("the encoder goes on: %s", why)
	}
}

// ends are the reasons of the ends of a room's streams, oldest first.
func (p *process) ends(r room) (reasons []domain.StopCause) {
	p.Helper()
	rows, err := p.db.Owner.Query(p.Context(), "SELECT payload->>'cause' FROM events WHERE type = 'broadcast.stopped.v1' AND live_id = $1 ORDER BY position", r.live)
	if err != nil {
		p.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var reason domain.StopCause
		if err := rows.Scan(&reason); err != nil {
			p.Fatal(err)
		}
		reasons = append(reasons, reason)
	}
	return reasons
}

func (p *process) hasEnded(r room, want ...domain.StopCause) {
	p.Helper()
	p.eventually("the ends in the log", func() bool { return len(p.ends(r)) >= len(want) })
	if got := p.ends(r); !slices.Equal(got, want) {
		p.Errorf("the streams have ended %v, want %v", got, want)
	}
}
