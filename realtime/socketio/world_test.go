package socketio_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/internal/logtest"
	"roomlog/projections"
	"roomlog/realtime/native"
	"roomlog/realtime/realtimetest"
	"roomlog/realtime/socketio"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a node with servers of both dialects.
type world struct {
	*realtimetest.Node
	native *native.Server
	server *socketio.Server
	base   string // URL of the Socket.IO server
	log    *logtest.Buffer
}

// roomsConfig contains the settings of the hub, the chat and the native dialect.
type roomsConfig struct {
	realtimetest.Config
	nativeConfig
}

type nativeConfig = native.Config

func newWorld(t testing.TB, change func(*socketio.Config, *roomsConfig)) *world {
	return openWorld(t, pgtest.New(t), true, change)
}

// namespace is a namespace of the server, in addition to "/".
const namespace = "/live"

// kinds returns the options of all kinds of clients, in the default namespace and in another one.
func kinds() map[string]siotest.Options {
	all := siotest.Kinds()
	for _, polling := range []bool{false, true} { // clients of version 3 would be in the default namespace, too
		all[fmt.Sprintf("%s, polling %v", namespace, polling)] = siotest.Options{Version: 4, Polling: polling, Namespace: namespace}
	}
	return all
}

// openWorld starts a node on db. If projects is true, it also runs a projector.
func openWorld(t testing.TB, db *pgtest.DB, projects bool, change func(*socketio.Config, *roomsConfig)) *world {
	t.Helper()
	w := &world{log: &logtest.Buffer{}}
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg := socketio.Config{Now: time.Now, Log: log, Namespaces: []string{namespace}}
	cfg.Engine.BodyTimeout, cfg.Engine.PingTimeout, cfg.Engine.SettleTimeout = siotest.Timeout, siotest.Timeout, siotest.Timeout
	cfg.Engine.Sockets = ws.Config{FrameRate: -1, PushWindow: time.Millisecond, WriteTimeout: siotest.Timeout}
	var rooms roomsConfig
	w.Node = realtimetest.Open(t, db, log, func(n *realtimetest.Node, c *realtimetest.Config) {
		rooms = roomsConfig{*c, native.Config{Store: n.Store, Queries: n.Queries, Feed: n.Feed, Now: time.Now, Log: log}}
		cfg.Queries, cfg.Cluster = n.Queries, n.Cluster
		if change != nil {
			change(&cfg, &rooms)
		}
		*c = rooms.Config
	})
	var err error
	rooms.nativeConfig.Hub, rooms.nativeConfig.Chat = w.Hub, w.Chat
	if w.native, err = native.New(rooms.nativeConfig); err != nil {
		t.Fatal(err)
	}
	cfg.Hub, cfg.Chat = w.Hub, w.Chat
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
	w.Cleanup(func() { // runs after the cleanup of Run
		http.DefaultClient.CloseIdleConnections()
		if w.Failed() {
			w.Log(w.log)
		}
	})
	w.Run(l, mux, projects, w.server, w.native)
}

// with returns the same node for another test.
func (w *world) with(t testing.TB) *world {
	mine, node := *w, *w.Node
	node.TB = t
	mine.Node = &node
	return &mine
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

// create creates a live of p that is not on air.
func (p person) create() domain.LiveID {
	p.Helper()
	return p.CreateLive(p.User, "songs")
}

// goLive creates a live of p and starts it.
func (p person) goLive() domain.LiveID {
	p.Helper()
	return p.GoLive(p.User, "songs")
}

func (p person) credit(coins domain.Coins) person {
	p.Helper()
	p.Credit(p.User, coins)
	return p
}

// events returns all events of type E in the log.
func events[E domain.Event](w *world) []E {
	w.Helper()
	return realtimetest.Events[E](w.Node)
}

// room returns a snapshot of a live from the tables.
func (w *world) room(live domain.LiveID) projections.LiveSnapshot {
	w.Helper()
	found, err := w.Queries.LiveSnapshot(context.Background(), live)
	if err != nil {
		w.Fatal(err)
	}
	return found
}
