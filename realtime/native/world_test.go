package native_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/cluster"
	"roomlog/eventstore/pgtest"
	"roomlog/projections"
	"roomlog/projections/feed"
	"roomlog/realtime/chat"
	"roomlog/realtime/hub"
	"roomlog/realtime/native"
	"roomlog/realtime/ws"
	"roomlog/realtime/ws/wstest"
)

// world is one node: a log, tables that follow it, and servers that listen on a port.
type world struct {
	testing.TB
	db        *pgtest.DB
	pool      *pgxpool.Pool
	store     *eventstore.Store
	sequencer *eventstore.Sequencer
	feed      *feed.Feed
	cluster   *cluster.Cluster
	lossy     *lossyFeed // the feed as the hub has it
	hub       *hub.Hub
	chat      *chat.Chat
	handler   *native.Server
	addr      string
	kill      func() // ends everything without a farewell, but for the goroutines
}

// config holds the settings of a whole process.
type config struct {
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

// lossyFeed is a feed that loses batches.
type lossyFeed struct {
	*feed.Feed
	lost chan feed.Batch // the batch after one that was lost
}

// Subscribe delivers the batches of the feed, and those of lost between them.
func (f *lossyFeed) Subscribe(ctx context.Context) (<-chan feed.Batch, error) {
	batches, err := f.Feed.Subscribe(ctx)
	if err != nil {
		return nil, err
	}
	out := make(chan feed.Batch)
	go func() { // ends with the subscription
		defer close(out)
		for {
			var b feed.Batch
			var open bool
			select {
			case b, open = <-batches:
				if !open {
					return
				}
			case b = <-f.lost:
			}
			select {
			case out <- b:
			case <-ctx.Done():
				for range batches { // ends soon
				}
				return
			}
		}
	}()
	return out, nil
}

// miss makes the hub believe that the feed went on by one position without it.
func (w *world) miss() {
	w.Helper()
	position := w.hub.Position() + 1
	w.lossy.lost <- feed.Batch{After: position, Checkpoint: position}
	if err := w.hub.WaitFor(w.Context(), position); err != nil {
		w.Fatal(err)
	}
}

// newWorld opens a node with a database of its own.
func newWorld(t testing.TB, change func(*config)) *world {
	return openWorld(t, pgtest.New(t), true, change)
}

// openWorld opens a node on db. It runs a projector if projects is true.
func openWorld(t testing.TB, db *pgtest.DB, projects bool, change func(*config)) *world {
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
	w := &world{TB: t, db: db, pool: pool, store: store}
	w.sequencer = eventstore.NewSequencer(store, eventstore.SequencerConfig{Timeout: wstest.Timeout})
	queries := projections.NewQueries(pool)
	w.feed = feed.New(store, queries, feed.Config{GaugeInterval: 20 * time.Millisecond, SubscriberTimeout: wstest.Timeout})
	w.lossy = &lossyFeed{Feed: w.feed, lost: make(chan feed.Batch)}
	var cfg config
	log := slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	w.cluster = cluster.New(cluster.NewPostgres(pool), cluster.Config{Node: uuid.NewString(), Now: func() time.Time { return cfg.clusterNow() }, Log: log})
	admission, err := projections.NewAdmission(projections.AdmissionConfig{Queries: queries, Tables: w.feed, Head: store.Head, Now: time.Now, Timeout: wstest.Timeout})
	if err != nil {
		t.Fatal(err)
	}
	cfg = config{
		clusterNow: time.Now,
		hubConfig: hub.Config{
			Store: store, Commands: w.sequencer, Queries: queries, Feed: w.lossy, Admission: admission,
			Cluster: w.cluster, Verify: verify, Now: time.Now, Log: log,
			CommentRate: 1e6, CommentBurst: 1e6, GiftRate: 1e6, GiftBurst: 1e6, PresenceGrace: time.Hour,
		},
		chatConfig: chat.Config{
			Store: store, Commands: w.sequencer, Queries: queries, Cluster: w.cluster, Now: time.Now, Log: log, MessageRate: 1e6, MessageBurst: 1e6,
		},
		nativeConfig: native.Config{
			Store: store, Queries: queries, Feed: w.feed, Now: time.Now, Log: log,
			Sockets: ws.Config{
				FrameRate: -1, PushWindow: time.Millisecond,
				HelloTimeout: wstest.Timeout, WriteTimeout: wstest.Timeout, SocketTimeout: -1,
			},
		},
	}
	if change != nil {
		change(&cfg)
	}
	if w.hub, err = hub.New(cfg.hubConfig); err != nil {
		t.Fatal(err)
	}
	cfg.chatConfig.Hub = w.hub
	if w.chat, err = chat.New(cfg.chatConfig); err != nil {
		t.Fatal(err)
	}
	cfg.nativeConfig.Hub, cfg.nativeConfig.Chat = w.hub, w.chat
	if w.handler, err = native.New(cfg.nativeConfig); err != nil {
		t.Fatal(err)
	}
	w.run(projects)
	return w
}

func (w *world) run(projects bool) {
	l := wstest.Listen(w)
	w.addr = l.Addr().String()
	web := &http.Server{Handler: w.handler, ReadHeaderTimeout: wstest.Timeout}
	parts := []func(context.Context) error{w.sequencer.Run, w.store.Listen, w.cluster.Run, w.feed.Run, w.hub.Run, w.chat.Run, w.handler.Run}
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
	w.kill = sync.OnceFunc(func() {
		_ = web.Close()
		cancel()
		running.Wait()
	})
	w.Cleanup(func() {
		ctx, stop := context.WithTimeout(context.Background(), wstest.Timeout)
		defer stop()
		if err := w.handler.Shutdown(ctx); err != nil {
			w.Errorf("shutdown: %v", err)
		}
		w.kill()
	})
}

// testLog writes log messages to the log of the test.
type testLog struct{ testing.TB }

func (l testLog) Write(b []byte) (int, error) {
	if l.Context().Err() == nil {
		l.Log(strings.TrimSpace(string(b)))
	}
	return len(b), nil
}

// testToken is a token of these tests in JSON: the format of real tokens is the business of package api.
type testToken struct {
	User    domain.UserID
	Session string
	Expires time.Time
}

func verify(token string) (hub.Identity, error) {
	var msg testToken
	switch {
	case token == "":
		return hub.Identity{}, &domain.Refusal{Code: domain.CodeTokenMissing, Text: "no token"}
	case json.Unmarshal([]byte(token), &msg) != nil:
		return hub.Identity{}, &domain.Refusal{Code: domain.CodeTokenInvalid, Text: "not ours"}
	case !msg.Expires.IsZero() && time.Now().After(msg.Expires):
		return hub.Identity{}, &domain.Refusal{Code: domain.CodeTokenExpired, Text: "expired"}
	}
	return hub.Identity(msg), nil
}

// person is a signed-in user.
type person struct {
	*world
	id      domain.UserID
	name    string
	session string
	expires time.Time
}

func (p person) actor() domain.Actor { return domain.AuthenticatedActor(p.id, p.session) }

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
	return p.execute(domain.Request{Command: c, Actor: p.actor()})
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

// on returns the same user at another node.
func (p person) on(w *world) person { p.world = w; return p }

// goLive creates a live of p and puts it on air.
func (p person) goLive(title string) domain.LiveID {
	p.Helper()
	key := strings.ReplaceAll(uuid.NewString(), "-", "")[:20]
	id := p.asks(domain.CreateLive{Title: title, StreamKey: key}).Events[0].Event.(domain.LiveCreated).Live
	p.asks(domain.ChangeLiveStatus{Live: id, To: domain.LivePlay})
	return id
}

func (p person) credit(coins domain.Coins) person {
	p.Helper()
	p.do(domain.CreditCoins{Order: domain.OrderID(uuid.NewString()), User: p.id, Coins: coins})
	return p
}

// credit1 credits p one coin and returns the position of the event.
func (p person) credit1() int64 {
	p.Helper()
	return p.do(domain.CreditCoins{Order: domain.OrderID(uuid.NewString()), User: p.id, Coins: 1}).Position
}

func (w *world) list(name string, price domain.Coins) domain.GiftID {
	w.Helper()
	return w.do(domain.AddGift{Name: name, Price: price}).Events[0].Event.(domain.GiftAdded).Gift
}

// events returns all events of one type.
func events[E domain.Event](w *world) (found []E) {
	w.Helper()
	var zero E
	page, err := w.store.Read(w.Context(), eventstore.Query{Limit: 5000, Types: []string{zero.Type()}})
	if err != nil {
		w.Fatal(err)
	}
	for _, r := range page.Events {
		found = append(found, r.Event.(E))
	}
	return found
}

// app is a client that speaks the native dialect.
type app struct {
	*wstest.Client
	ids   int
	aside []message // pushes that came while an answer was awaited
}

// message is any frame from the server.
type message struct {
	Re     string          `json:"re"`
	Type   string          `json:"type"`
	Live   domain.LiveID   `json:"live"`
	Pos    int64           `json:"pos"`
	Prev   int64           `json:"prev"`
	Cursor string          `json:"cursor"`
	Data   json.RawMessage `json:"data"`
	raw    string
}

// into decodes the data of a message.
func into[T any](t testing.TB, m message) (v T) {
	t.Helper()
	if err := json.Unmarshal(m.Data, &v); err != nil {
		t.Fatalf("%s: %v", m.raw, err)
	}
	return v
}

func (w *world) connect() *app { return &app{Client: wstest.Dial(w, w.addr)} }

// app connects and sends hello.
func (p person) app() *app {
	p.Helper()
	a := p.connect()
	a.ok(a.ask("hello", map[string]any{"token": p.token()}))
	return a
}

// ask sends a request and returns its ID.
func (a *app) ask(verb string, data any, key ...string) (id string) {
	a.T.Helper()
	a.ids++
	id = fmt.Sprint(a.ids)
	frame := map[string]any{"id": id, "type": verb, "data": data}
	if len(key) > 0 {
		frame["key"] = key[0]
	}
	b, _ := json.Marshal(frame)
	a.SendText(string(b))
	return id
}

// read returns the next frame except pings.
func (a *app) read() message {
	a.T.Helper()
	m, err := a.tryRead()
	if err != nil {
		a.T.Fatal(err)
	}
	return m
}

func (a *app) tryRead() (m message, err error) {
	for {
		opcode, payload, err := a.ReadFrame()
		switch {
		case err != nil:
			return m, err
		case opcode == wstest.OpClose:
			return m, fmt.Errorf("closed with %x", payload)
		case opcode != wstest.OpText:
			continue
		}
		m.raw = payload
		if err := json.Unmarshal([]byte(payload), &m); err != nil {
			a.T.Fatalf("%s: %v", payload, err)
		}
		return m, nil
	}
}

// answer reads until the reply to a request and puts everything else aside.
func (a *app) answer(id string) message {
	a.T.Helper()
	for {
		if m := a.read(); m.Re == id && (m.Type == "ok" || m.Type == "error") {
			return m
		} else {
			a.aside = append(a.aside, m)
		}
	}
}

func (a *app) ok(id string) message {
	a.T.Helper()
	m := a.answer(id)
	if m.Type != "ok" {
		a.T.Fatalf(`refused: %s, want m.Type "ok"`, m.raw)
	}
	return m
}

type refusal struct {
	Code       string
	Text       string
	TextZH     string `json:"text_zh"`
	RetryAfter int64  `json:"retry_after"`
}

// no expects an error as the reply.
func (a *app) no(id, code string) refusal {
	a.T.Helper()
	m := a.answer(id)
	no := into[refusal](a.T, m)
	if m.Type != "error" || no.Code != code || no.Text == "" || no.TextZH == "" {
		a.T.Fatalf("got %s, want a refusal with code %s", m.raw, code)
	}
	return no
}

// push returns the next push of a type, first from those put aside, and drops others.
func (a *app) push(kind string) message {
	a.T.Helper()
	for {
		var m message
		if len(a.aside) > 0 {
			m, a.aside = a.aside[0], a.aside[1:]
		} else {
			m = a.read()
		}
		if m.Type == kind {
			return m
		}
	}
}

// entered is the reply to room.join.
type entered struct {
	Resumed  []int64
	Snapshot *struct {
		Epoch  string
		Pos    int64
		Cursor string
		Live   struct {
			ID, Status int64
			Media      *struct {
				Video string
				Since time.Time
			}
		}
		Owner    struct{ ID domain.UserID }
		Gauges   struct{ Online, Coins int64 }
		Comments []struct {
			Pos  int64
			Text string
			User struct{ Name string }
		}
		Gifts   []struct{ Pos, Coins, Num int64 }
		Viewers []struct {
			ID   domain.UserID
			Name string
		}
	}
}

func (a *app) join(live domain.LiveID) entered {
	a.T.Helper()
	return into[entered](a.T, a.ok(a.ask("room.join", map[string]any{"live": live})))
}

func (a *app) rejoin(live domain.LiveID, since string) entered {
	a.T.Helper()
	return into[entered](a.T, a.ok(a.ask("room.join", map[string]any{"live": live, "since": since})))
}

// cursor returns the cursor of the event at a position.
func (w *world) cursor(position int64) string {
	w.Helper()
	cursor, err := w.store.Cursor(w.Context(), position)
	if err != nil {
		w.Fatal(err)
	}
	return cursor
}
