package socketio_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/cluster"
	"roomlog/eventstore/pgtest"
	"roomlog/projections"
	"roomlog/projections/feed"
	"roomlog/realtime/chat"
	"roomlog/realtime/hub"
	"roomlog/realtime/native"
	"roomlog/realtime/socketio"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is one node with both dialects: a log, projections and a listening port.
type world struct {
	testing.TB
	db        *pgtest.DB
	store     *eventstore.Store
	sequencer *eventstore.Sequencer
	queries   *projections.Queries
	feed      *feed.Feed
	cluster   *cluster.Cluster
	hub       *hub.Hub
	chat      *chat.Chat
	native    *native.Server
	server    *socketio.Server
	base      string // of the Socket.IO server
	log       *lines
}

// roomsConfig are the settings of the hub, the chat and the native dialect.
type roomsConfig struct {
	hubConfig
	chatConfig
	nativeConfig
	clusterNow func() time.Time // the clock by which lost nodes are found
}

type (
	hubConfig    = hub.Config
	chatConfig   = chat.Config
	nativeConfig = native.Config
)

func newWorld(t testing.TB, change func(*socketio.Config, *roomsConfig)) *world {
	return openWorld(t, pgtest.New(t), true, change)
}

// openWorld starts a node on db. With projects, it runs the projections.
func openWorld(t testing.TB, db *pgtest.DB, projects bool, change func(*socketio.Config, *roomsConfig)) *world {
	t.Helper()
	pool, err := eventstore.OpenPool(t.Context(), db.DSN, eventstore.PoolOptions{Serving: db.Serving, MaxConns: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	store, err := eventstore.Open(t.Context(), pool, eventstore.Config{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{TB: t, db: db, store: store, queries: projections.NewQueries(pool), log: &lines{}}
	w.sequencer = eventstore.NewSequencer(store, eventstore.SequencerConfig{Timeout: siotest.Timeout})
	w.feed = feed.New(store, w.queries, feed.Config{GaugeInterval: 20 * time.Millisecond, SubscriberTimeout: siotest.Timeout})
	var rooms roomsConfig
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.cluster = cluster.New(cluster.NewPostgres(pool), cluster.Config{Node: uuid.NewString(), Now: func() time.Time { return rooms.clusterNow() }, Log: log})
	admission, err := projections.NewAdmission(projections.AdmissionConfig{Queries: w.queries, Tables: w.feed, Head: store.Head, Now: time.Now, Timeout: siotest.Timeout})
	if err != nil {
		t.Fatal(err)
	}
	rooms = roomsConfig{
		clusterNow: time.Now,
		hubConfig: hub.Config{
			Store: store, Commands: w.sequencer, Queries: w.queries, Feed: w.feed, Admission: admission,
			Cluster: w.cluster, Verify: verify, Now: time.Now, Log: log,
			CommentRate: 1e6, CommentBurst: 1e6, GiftRate: 1e6, GiftBurst: 1e6, PresenceGrace: time.Hour,
		},
		chatConfig: chat.Config{
			Store: store, Commands: w.sequencer, Queries: w.queries, Cluster: w.cluster, Now: time.Now, Log: log,
			MessageRate: 1e6, MessageBurst: 1e6, RoomsPerAddress: 100,
		},
		nativeConfig: native.Config{Store: store, Queries: w.queries, Feed: w.feed, Now: time.Now, Log: log},
	}
	cfg := socketio.Config{Queries: w.queries, Now: time.Now, Log: log}
	cfg.Engine.BodyTimeout, cfg.Engine.PingTimeout, cfg.Engine.SettleTimeout = siotest.Timeout, siotest.Timeout, siotest.Timeout
	cfg.Engine.Sockets = ws.Config{FrameRate: -1, PushWindow: time.Millisecond, WriteTimeout: siotest.Timeout}
	if change != nil {
		change(&cfg, &rooms)
	}
	if w.hub, err = hub.New(rooms.hubConfig); err != nil {
		t.Fatal(err)
	}
	rooms.chatConfig.Hub = w.hub
	if w.chat, err = chat.New(rooms.chatConfig); err != nil {
		t.Fatal(err)
	}
	rooms.nativeConfig.Hub, rooms.nativeConfig.Chat = w.hub, w.chat
	if w.native, err = native.New(rooms.nativeConfig); err != nil {
		t.Fatal(err)
	}
	cfg.Hub, cfg.Chat = w.hub, w.chat
	if w.server, err = socketio.New(cfg); err != nil {
		t.Fatal(err)
	}
	w.run(projects)
	return w
}

func (w *world) run(projects bool) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.Fatal(err)
	}
	w.base = "http://" + l.Addr().String() + socketio.Path
	mux := http.NewServeMux()
	mux.Handle(socketio.Path, w.server)
	mux.Handle("/ws", w.native)
	web := &http.Server{Handler: mux, ReadHeaderTimeout: siotest.Timeout}
	parts := []func(context.Context) error{w.sequencer.Run, w.store.Listen, w.cluster.Run, w.feed.Run, w.hub.Run, w.chat.Run, w.native.Run, w.server.Run}
	if projects {
		parts = append(parts, projections.NewProjector(w.store, projections.ProjectorConfig{Now: time.Now}).Run)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, part := range parts {
		running.Go(func() {
			if err := part(ctx); err != nil {
				w.Error(err)
			}
		})
	}
	running.Go(func() { _ = web.Serve(l) })
	w.Cleanup(func() {
		ctx, stop := context.WithTimeout(context.Background(), siotest.Timeout)
		defer stop()
		if err := w.server.Shutdown(ctx); err != nil {
			w.Errorf("shutdown: %v", err)
		}
		if err := w.native.Shutdown(ctx); err != nil {
			w.Errorf("shutdown: %v", err)
		}
		_ = web.Close()
		cancel()
		running.Wait()
		http.DefaultClient.CloseIdleConnections()
		if w.Failed() {
			w.Log(w.log)
		}
	})
}

// with returns the same node for another test.
func (w *world) with(t testing.TB) *world {
	mine := *w
	mine.TB = t
	return &mine
}

// lines collects the log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Tokens of these tests are JSON, because this package does not read tokens.
type testToken struct {
	User    domain.UserID
	Session string
	Expires time.Time
}

func verify(token string) (hub.Identity, error) {
	token = strings.TrimPrefix(token, "Bearer ")
	var parsed testToken
	switch {
	case token == "":
		return hub.Identity{}, &domain.Refusal{Code: domain.CodeTokenMissing, Text: "no token"}
	case json.Unmarshal([]byte(token), &parsed) != nil || parsed.User == 0:
		return hub.Identity{}, &domain.Refusal{Code: domain.CodeTokenInvalid, Text: "not ours"}
	case !parsed.Expires.IsZero() && time.Now().After(parsed.Expires):
		return hub.Identity{}, &domain.Refusal{Code: domain.CodeTokenExpired, Text: "expired"}
	}
	return hub.Identity(parsed), nil
}

// person is a user who is signed in.
type person struct {
	*world
	id      domain.UserID
	name    string
	session string
	expires time.Time
}

func (p person) token() string {
	b, _ := json.Marshal(testToken{p.id, p.session, p.expires})
	return string(b)
}

func (w *world) execute(r domain.Request) eventstore.Receipt {
	w.Helper()
	receipt, err := w.sequencer.Execute(context.Background(), r)
	if err != nil {
		w.Fatalf("%s: %v", r.Command.Type(), err)
	}
	return receipt
}

// do executes a command of an operator.
func (w *world) do(c domain.Command) eventstore.Receipt {
	w.Helper()
	return w.execute(domain.Request{Command: c, Actor: domain.Actor{Kind: domain.Operator}})
}

func (p person) asks(c domain.Command) eventstore.Receipt {
	p.Helper()
	return p.execute(domain.Request{Command: c, Actor: domain.AuthenticatedActor(p.id, p.session)})
}

func (w *world) register(name string) person {
	w.Helper()
	r := w.execute(domain.Request{Command: domain.RegisterUser{Username: name, NameKey: w.store.NameKey(name), Credential: uuid.NewString()}})
	return person{world: w, id: r.Events[0].Event.(domain.UserRegistered).User, name: name}.signIn()
}

func (p person) signIn() person {
	p.Helper()
	p.session = uuid.NewString()
	p.execute(domain.Request{Command: domain.SignIn{User: p.id, Session: p.session}})
	return p
}

// on returns the same user on another node.
func (p person) on(w *world) person { p.world = w; return p }

// create creates a live of p that is not on air.
func (p person) create() domain.LiveID {
	p.Helper()
	key := strings.ReplaceAll(uuid.NewString(), "-", "")[:20]
	return p.asks(domain.CreateLive{Title: "songs", StreamKey: key}).Events[0].Event.(domain.LiveCreated).Live
}

// goLive creates a live of p and starts it.
func (p person) goLive() domain.LiveID {
	p.Helper()
	live := p.create()
	p.asks(domain.ChangeLiveStatus{Live: live, To: domain.LivePlay})
	return live
}

func (p person) credit(coins domain.Coins) person {
	p.Helper()
	p.do(domain.CreditCoins{Order: domain.OrderID(uuid.NewString()), User: p.id, Coins: coins})
	return p
}

func (w *world) list(name, image string, price domain.Coins) domain.GiftID {
	w.Helper()
	return w.do(domain.AddGift{Name: name, Image: image, Price: price}).Events[0].Event.(domain.GiftAdded).Gift
}

// events returns all events of one type from the log.
func events[E domain.Event](w *world) (found []E) {
	w.Helper()
	var zero E
	page, err := w.store.Read(context.Background(), eventstore.Query{Limit: 5000, Types: []string{zero.Type()}})
	if err != nil {
		w.Fatal(err)
	}
	for _, r := range page.Events {
		found = append(found, r.Event.(E))
	}
	return found
}

// eventually polls until ok returns true.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(siotest.Timeout)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting until %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// room returns the live from the tables.
func (w *world) room(live domain.LiveID) projections.LiveSnapshot {
	w.Helper()
	found, err := w.queries.LiveSnapshot(context.Background(), live)
	if err != nil {
		w.Fatal(err)
	}
	return found
}
