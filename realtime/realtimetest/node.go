package realtimetest

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/eventstore"
	"roomlog/eventstore/cluster"
	"roomlog/eventstore/pgtest"
	"roomlog/projections"
	"roomlog/projections/feed"
	"roomlog/realtime/chat"
	"roomlog/realtime/hub"
)

// Timeout is the maximum time of everything that a test waits for.
const Timeout = 3 * time.Minute

// Config contains the settings of the hub and of the chat.
type Config struct {
	HubConfig
	ChatConfig
	ClusterNow func() time.Time // clock with which the cluster finds lost nodes
}

type (
	// HubConfig contains the settings of the hub.
	HubConfig = hub.Config
	// ChatConfig contains the settings of the chat.
	ChatConfig = chat.Config
)

// Node is a node without servers. Its methods fail the test after an error.
type Node struct {
	testing.TB
	DB        *pgtest.DB
	Pool      *pgxpool.Pool
	Store     *eventstore.Store
	Sequencer *eventstore.Sequencer
	Queries   *projections.Queries
	Feed      *feed.Feed
	Cluster   *cluster.Cluster
	Hub       *hub.Hub
	Chat      *chat.Chat
}

// Open creates a node on db. change may change the settings; it is called before the hub and the chat exist.
func Open(t testing.TB, db *pgtest.DB, log *slog.Logger, change func(*Node, *Config)) *Node {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	n := &Node{TB: t, DB: db}
	var err error
	n.Pool, err = eventstore.OpenPool(t.Context(), db.DSN, eventstore.PoolOptions{Serving: db.Serving, MaxConns: 8})
	check(err)
	t.Cleanup(n.Pool.Close)
	n.Store, err = eventstore.Open(t.Context(), n.Pool, eventstore.Config{Now: time.Now})
	check(err)
	n.Sequencer = eventstore.NewSequencer(n.Store, eventstore.SequencerConfig{Timeout: Timeout})
	n.Queries = projections.NewQueries(n.Pool)
	n.Feed = feed.New(n.Store, n.Queries, feed.Config{GaugeInterval: 20 * time.Millisecond, SubscriberTimeout: Timeout})
	n.Queries = n.Queries.After(n.Feed.UpToDate)
	cfg := Config{ClusterNow: time.Now}
	n.Cluster = cluster.New(cluster.NewPostgres(n.Pool), cluster.Config{Node: uuid.NewString(), Now: func() time.Time { return cfg.ClusterNow() }, Log: log})
	admission, err := projections.NewAdmission(projections.AdmissionConfig{Queries: n.Queries, Tables: n.Feed, Head: n.Store.Head, Now: time.Now, Timeout: Timeout})
	check(err)
	cfg.HubConfig = hub.Config{
		Store: n.Store, Commands: n.Sequencer, ClientCommands: n.Sequencer, Queries: n.Queries, Feed: n.Feed, Admission: admission,
		Cluster: n.Cluster, Verify: Verify, Now: time.Now, Log: log,
		CommentRate: 1e6, CommentBurst: 1e6, GiftRate: 1e6, GiftBurst: 1e6, PresenceGrace: time.Hour,
	}
	cfg.ChatConfig = chat.Config{
		Store: n.Store, Commands: n.Sequencer, ClientCommands: n.Sequencer, Queries: n.Queries, Cluster: n.Cluster, Now: time.Now, Log: log,
		MessageRate: 1e6, MessageBurst: 1e6,
	}
	change(n, &cfg)
	n.Hub, err = hub.New(cfg.HubConfig)
	check(err)
	cfg.ChatConfig.Hub = n.Hub
	n.Chat, err = chat.New(cfg.ChatConfig)
	check(err)
	return n
}

// A Server is a server of one dialect.
type Server interface {
	Run(context.Context) error
	Shutdown(context.Context) error
}

// Run runs the node until the test ends: its parts, the servers, and an HTTP server on l. If projects is true, it also
// runs a projector. kill stops everything without a shutdown.
func (n *Node) Run(l net.Listener, handler http.Handler, projects bool, servers ...Server) (kill func()) {
	parts := []func(context.Context) error{n.Sequencer.Run, n.Store.Listen, n.Cluster.Run, n.Feed.Run, n.Hub.Run, n.Chat.Run}
	for _, s := range servers {
		parts = append(parts, s.Run)
	}
	if projects {
		parts = append(parts, projections.NewProjector(n.Store, projections.ProjectorConfig{Now: time.Now}).Run)
	}
	web := &http.Server{Handler: handler, ReadHeaderTimeout: Timeout}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, part := range parts {
		running.Go(func() {
			if err := part(ctx); err != nil {
				n.Error(err)
			}
		})
	}
	running.Go(func() {
		ready := false
		for !ready && ctx.Err() == nil { // connections wait in the queue of l
			ready = n.Hub.WaitReady(ctx) == nil
		}
		_ = web.Serve(l)
	})
	kill = sync.OnceFunc(func() {
		_ = web.Close()
		cancel()
		running.Wait()
	})
	n.Cleanup(func() {
		ctx, stop := context.WithTimeout(context.Background(), Timeout)
		defer stop()
		for _, s := range servers {
			if err := s.Shutdown(ctx); err != nil {
				n.Errorf("shutdown: %v", err)
			}
		}
		kill()
	})
	return kill
}
