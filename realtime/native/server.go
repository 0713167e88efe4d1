package native

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/settings"
	"roomlog/projections"
	"roomlog/projections/feed"
	"roomlog/realtime/chat"
	"roomlog/realtime/hub"
	"roomlog/realtime/ws"
)

// Config holds the dependencies and settings of a native server. The first group is required.
type Config struct {
	Hub     *hub.Hub
	Chat    *chat.Chat
	Store   *eventstore.Store
	Queries *projections.Queries
	Feed    *feed.Feed
	Now     func() time.Time

	Log     *slog.Logger // nil: no logs
	Sockets ws.Config    // limits of the connections; the server sets Open, Skipped, Now and Log
}

func (c *Config) check() error {
	if c.Hub == nil || c.Chat == nil || c.Store == nil || c.Queries == nil || c.Feed == nil || c.Now == nil {
		return errors.New("native: Hub, Chat, Store, Queries, Feed and Now are required")
	}
	return nil
}

// Server is the WebSocket server of the native dialect. It is an http.Handler and a Dialect.
type Server struct {
	cfg     Config
	epoch   string // ID of the log
	log     *slog.Logger
	hub     *hub.Hub
	chat    *chat.Chat
	sockets *ws.Server
	verbs   map[string]verb

	mu       sync.Mutex // taken before Hub.mu
	channels map[domain.LiveID]*channel
}

// NewNative creates a server. It works while Run runs; the hub and the chat must run as well.
func New(cfg Config) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	n := &Server{
		cfg: cfg, epoch: cfg.Store.ID(), log: cfg.Log, hub: cfg.Hub, chat: cfg.Chat, verbs: byName(vocabulary()),
		channels: make(map[domain.LiveID]*channel),
	}
	sockets := cfg.Sockets
	sockets.Open, sockets.Skipped = n.open, skippedFrame
	sockets.Now, sockets.Log = cfg.Now, cfg.Log
	settings.Defaults(&sockets)
	n.sockets = ws.NewServer(sockets)
	n.hub.AddDialect(n)
	return n, nil
}

// ServeHTTP upgrades a request to a WebSocket connection.
func (n *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { n.sockets.ServeHTTP(w, r) }

// Stats returns the counters of the connections.
func (n *Server) Stats() *ws.Stats { return n.sockets.Stats() }

// Lives returns the number of lives that clients of this server are in.
func (n *Server) Lives() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.channels)
}

// Run pings the connections and writes to them until ctx ends. Call Shutdown before.
func (n *Server) Run(ctx context.Context) error { return n.sockets.Run(ctx) }

// Shutdown closes every connection with CloseRestart and a hint when to reconnect, and waits until all are closed
// or ctx ends. No viewer leaves a live by it, see Hub.Drain.
func (n *Server) Shutdown(ctx context.Context) error {
	n.hub.Drain()
	err := n.sockets.Shutdown(ctx)
	n.chat.Flush(ctx)
	return err
}

// open creates the session of a new connection.
func (n *Server) open(c *ws.Conn, _ *http.Request) ws.Peer {
	return &session{server: n, conn: c, channels: make(map[domain.LiveID]*channel)}
}

// Connections returns the open connections.
func (n *Server) Connections() []hub.Connection {
	var all []hub.Connection
	for _, c := range n.sockets.Conns() {
		if _, ok := c.Peer().(*session); !ok { // it is being opened
			continue
		}
		id := n.idOf(c)
		all = append(all, hub.Connection{
			ID: id, Key: string(id), Dialect: "native", Address: c.Address(), Since: c.OpenedAt(),
		})
	}
	return all
}

// Kick kicks the client of a connection. It reports whether the connection exists.
func (n *Server) Kick(id domain.ConnectionID, reason string) bool {
	for _, c := range n.sockets.Conns() {
		if n.idOf(c) != id {
			continue
		}
		if s, ok := c.Peer().(*session); ok {
			s.Kick(reason)
		}
		return true
	}
	return false
}

// idOf returns the ID of a connection, which is unique among all nodes.
func (n *Server) idOf(c *ws.Conn) domain.ConnectionID {
	h := fnv.New32a()
	h.Write([]byte(n.hub.Node()))
	return domain.ConnectionID(fmt.Sprintf("%08x-%d", h.Sum32(), c.Serial()))
}
