package native

import (
	"context"
	"net/http"

	"roomlog/domain"
	"roomlog/realtime/hub"
	"roomlog/realtime/ws"
)

// Server is the WebSocket server of the native dialect. It is an http.Handler and a hub.Dialect.
type Server struct {
	services   services
	sockets    *ws.Server
	operations map[string]operation
}

// New creates a server. It works while its Run, the hub and the chat run.
func New(cfg Config) (*Server, error) {
	if err := cfg.prepare(); err != nil {
		return nil, err
	}
	s := &Server{operations: byName(operations())}
	cfg.Sockets.Open, cfg.Sockets.Skipped = s.open, skippedFrame
	cfg.Sockets.Now, cfg.Sockets.Log = cfg.Now, cfg.Log
	s.sockets = ws.NewServer(cfg.Sockets)
	s.services = services{Config: cfg}
	s.services.channels = newChannels(cfg.Hub, s.sockets, cfg.Deliveries, s.services.restoreLater, s.services.recoverPanic)
	cfg.Hub.AddDialect(s)
	return s, nil
}

// open creates the session of a new connection.
func (s *Server) open(c *ws.Conn, _ *http.Request) ws.Peer {
	return &peer{newSession(&s.services, c), s.operations}
}

// ServeHTTP upgrades a request to a WebSocket connection.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.sockets.ServeHTTP(w, r) }

// Stats returns the counters of the connections.
func (s *Server) Stats() *ws.Stats { return s.sockets.Stats() }

// Lives returns the number of lives that clients of this server are in.
func (s *Server) Lives() int { return s.services.channels.count() }

// Run sends pings and pushes until ctx ends. Call Shutdown before ctx ends.
func (s *Server) Run(ctx context.Context) error { return s.sockets.Run(ctx) }

// Shutdown closes every connection with CloseRestart and a time after which to reconnect. It calls hub.Hub.Drain, so
// that viewers stay in their lives. It waits until all connections are closed and the log contains their leaves from
// the chat, or until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	s.services.Hub.Drain()
	err := s.sockets.Shutdown(ctx)
	s.services.Chat.Flush(ctx)
	return err
}

// Connections returns the open connections of this dialect, for lists of connections.
func (s *Server) Connections() []hub.Connection {
	var all []hub.Connection
	for _, c := range s.sockets.Conns() {
		if _, ok := c.Peer().(*peer); !ok { // the connection is still being opened
			continue
		}
		id := idOf(c, s.services.Hub.Node())
		all = append(all, hub.Connection{ID: id, Key: string(id), Dialect: "native", Address: c.Address(), Since: c.OpenedAt()})
	}
	return all
}

// Kick kicks the client of a connection, and reports whether the connection exists.
func (s *Server) Kick(id domain.ConnectionID, reason string) bool {
	for _, c := range s.sockets.Conns() {
		if idOf(c, s.services.Hub.Node()) != id {
			continue
		}
		if p, ok := c.Peer().(*peer); ok {
			p.Kick(reason)
		}
		return true
	}
	return false
}
