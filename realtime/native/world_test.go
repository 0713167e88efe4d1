package native_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/logtest"
	"roomlog/projections"
	"roomlog/projections/feed"
	"roomlog/realtime/native"
	"roomlog/realtime/realtimetest"
	"roomlog/realtime/ws"
	"roomlog/realtime/ws/wstest"
)

// world is a node with a server of the native dialect.
type world struct {
	*realtimetest.Node
	lossy   *lossyFeed // the feed that the hub uses
	handler *native.Server
	addr    string
	kill    func() // stops everything without a shutdown
}

// config contains the settings of a whole process.
type config struct {
	realtimetest.Config
	nativeConfig
}

type nativeConfig = native.Config

// loss asks a lossyFeed to lose one position.
type loss struct {
	known int64      // a position that the hub knows
	upTo  chan int64 // receives the position of the batch that follows the lost position
}

// lossyFeed is a feed that can lose batches.
type lossyFeed struct {
	*feed.Feed
	lose  chan loss
	reads atomic.Int64 // number of reads of the log by LiveDeltas
	full  atomic.Bool  // whether LiveDeltas finds too many changes
}

// LiveDeltas counts the reads of the log. If full is set, it returns feed.ErrTooMany.
func (f *lossyFeed) LiveDeltas(ctx context.Context, live domain.LiveID, after, upTo int64, limit int) ([]projections.Delta, error) {
	f.reads.Add(1)
	if f.full.Load() {
		return nil, feed.ErrTooMany
	}
	return f.Feed.LiveDeltas(ctx, live, after, upTo, limit)
}

// Subscribe delivers the batches of the feed. For each loss, it delivers an empty batch that leaves out one position.
func (f *lossyFeed) Subscribe(ctx context.Context) (<-chan feed.Batch, error) {
	batches, err := f.Feed.Subscribe(ctx)
	if err != nil {
		return nil, err
	}
	out := make(chan feed.Batch)
	go func() { // the goroutine ends with the subscription
		defer close(out)
		var delivered int64
		for {
			var b feed.Batch
			var open bool
			select {
			case b, open = <-batches:
				if !open {
					return
				}
			case l := <-f.lose: // no batch can come between: this goroutine delivers all of them
				lost := max(delivered, l.known) + 1
				b = feed.Batch{After: lost, Checkpoint: lost}
				l.upTo <- lost
			}
			delivered = b.Checkpoint
			select {
			case out <- b:
			case <-ctx.Done():
				for range batches { // reads the rest; the channel closes soon
				}
				return
			}
		}
	}()
	return out, nil
}

// miss makes the hub miss one position of the feed.
func (w *world) miss() {
	w.Helper()
	upTo := make(chan int64, 1)
	w.lossy.lose <- loss{w.Hub.Position(), upTo}
	if err := w.Hub.WaitFor(w.Context(), <-upTo); err != nil {
		w.Fatal(err)
	}
}

// newWorld opens a node on a new database.
func newWorld(t testing.TB, change func(*config)) *world {
	return openWorld(t, pgtest.New(t), true, change)
}

// openWorld opens a node on db. If projects is true, it also runs a projector.
func openWorld(t testing.TB, db *pgtest.DB, projects bool, change func(*config)) *world {
	t.Helper()
	w := &world{}
	var cfg config
	log := slog.New(slog.NewTextHandler(logtest.Output(t), &slog.HandlerOptions{Level: slog.LevelWarn}))
	w.Node = realtimetest.Open(t, db, log, func(n *realtimetest.Node, c *realtimetest.Config) {
		w.lossy = &lossyFeed{Feed: n.Feed, lose: make(chan loss)}
		c.HubConfig.Feed = w.lossy
		cfg = config{*c, native.Config{
			Store: n.Store, Queries: n.Queries, Feed: n.Feed, Now: time.Now, Log: log,
			Sockets: ws.Config{
				FrameRate: -1, PushWindow: time.Millisecond,
				HelloTimeout: wstest.Timeout, WriteTimeout: wstest.Timeout, SocketTimeout: -1,
			},
		}}
		if change != nil {
			change(&cfg)
		}
		*c = cfg.Config
	})
	cfg.nativeConfig.Hub, cfg.nativeConfig.Chat = w.Hub, w.Chat
	var err error
	if w.handler, err = native.New(cfg.nativeConfig); err != nil {
		t.Fatal(err)
	}
	l := wstest.Listen(w)
	w.addr = l.Addr().String()
	w.kill = w.Run(l, w.handler, projects, w.handler)
	return w
}

// person is a signed-in user, with the node to which the user connects.
type person struct {
	*world
	realtimetest.User
}

func (w *world) register(name string) person {
	w.Helper()
	return person{w, w.Register(name)}
}

// Asks executes a command as the user.
func (p person) Asks(c domain.Command) eventstore.Receipt {
	p.Helper()
	return p.ExecuteAs(p.User, c)
}

func (p person) signIn() person {
	p.Helper()
	return person{p.world, p.SignIn(p.User)}
}

// on returns the same user, connected to another node.
func (p person) on(w *world) person { return person{w, p.User} }

// goLive creates a live of the user and puts it on air.
func (p person) goLive(title string) domain.LiveID {
	p.Helper()
	return p.GoLive(p.User, title)
}

func (p person) credit(coins domain.Coins) person {
	p.Helper()
	p.Credit(p.User, coins)
	return p
}

// credit1 adds one coin to the wallet of the user and returns the position of the event.
func (p person) credit1() int64 {
	p.Helper()
	return p.Credit(p.User, 1)
}

// events returns all events of type E in the log.
func events[E domain.Event](w *world) []E {
	w.Helper()
	return realtimetest.Events[E](w.Node)
}

// app is a client that uses the native dialect.
type app struct {
	*wstest.Client
	ids   int
	verbs map[string]string // types of the requests by their ids
	aside []message         // pushes that arrived while the client waited for a reply
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

// into decodes the data of a message as a T.
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
	a.ok(a.ask("hello", map[string]any{"token": p.Token()}))
	return a
}

// ask sends a request and returns its id.
func (a *app) ask(verb string, data any, key ...string) (id string) {
	a.T.Helper()
	a.ids++
	id = fmt.Sprint(a.ids)
	if a.verbs == nil {
		a.verbs = map[string]string{}
	}
	a.verbs[id] = verb
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
		if m.Type == "gauges" {
			a.KeepDeadline()
		}
		if err := documented(m, a.verbs[m.Re]); err != nil {
			a.T.Errorf("the AsyncAPI document does not describe %s: %v", payload, err)
		}
		return m, nil
	}
}

// answer reads until the reply to a request. It stores other frames for push.
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

// no reads the reply to a request, and fails unless it is an error with this code.
func (a *app) no(id, code string) refusal {
	a.T.Helper()
	m := a.answer(id)
	no := into[refusal](a.T, m)
	if m.Type != "error" || no.Code != code || no.Text == "" || no.TextZH == "" {
		a.T.Fatalf("got %s, want a refusal with code %s", m.raw, code)
	}
	return no
}

// push returns the next push of a type, first from those that answer has stored. It drops other pushes.
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

// entered is the field data of the reply to room.join.
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

// cursor returns the cursor for the event at a position.
func (w *world) cursor(position int64) string {
	w.Helper()
	cursor, err := w.Store.Cursor(w.Context(), position)
	if err != nil {
		w.Fatal(err)
	}
	return cursor
}
