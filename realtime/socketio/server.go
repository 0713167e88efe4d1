package socketio

import (
	"context"
	"log/slog"
	"net/http"
	"sync"

	"roomlog/domain"
	"roomlog/internal/settings"
	"roomlog/realtime/hub"
	"roomlog/realtime/socketio/engineio"
	"roomlog/realtime/socketio/protocol"
	"roomlog/realtime/ws"
)

// Server serves Socket.IO clients on one node. It is an http.Handler for Path, and implements hub.Dialect.
type Server struct {
	core    *core
	sockets *protocol.Server
}

// New returns a Server. It works while its Run, the hub and the chat run.
func New(cfg Config) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	settings.Defaults(&cfg)
	cfg.ListedViewers = min(cfg.ListedViewers, viewerListSize)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	c := &core{cfg: cfg, aliases: newAliases(), sockets: newSocketSet()}
	s := &Server{core: c}
	c.channels = newChannels(&c.cfg, func() *engineio.Group { return s.sockets.Engine().NewGroup() })

	recovery := cfg.Recovery // one for all namespaces, so that they share its limits
	recovery.Restore = c.restore
	sockets := protocol.Config{Engine: cfg.Engine}
	for _, name := range append([]string{"/"}, cfg.Namespaces...) {
		sockets.Namespaces = append(sockets.Namespaces, protocol.Namespace{Name: name, Connected: c.connected, Recovery: &recovery})
	}
	sockets.Engine.Now, sockets.Engine.Log = cfg.Now, cfg.Log
	settings.Defaults(&sockets)
	s.sockets = protocol.New(sockets)
	cfg.Hub.AddDialect(s)
	cfg.Chat.OnExchange(c.deliverExchanged)
	return s, nil
}

// ServeHTTP serves clients. It also serves the script of the client library, if there is one in Config.Assets.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if name := scriptName(r); name != "" {
		serveScript(w, r, s.core.cfg.Assets, name)
		return
	}
	s.sockets.ServeHTTP(w, r)
}

// Stats returns the counters of the connections and queues.
func (s *Server) Stats() *ws.Stats { return s.sockets.Engine().Stats() }

// Lives returns the number of lives that clients of this server are in.
func (s *Server) Lives() int { return s.core.channels.count() }

// Polling returns the number of Engine.IO sessions without a WebSocket connection.
func (s *Server) Polling() int64 { return s.sockets.Engine().Polling() }

// Run serves clients until ctx ends. Call Shutdown before ctx ends.
func (s *Server) Run(ctx context.Context) error {
	defer s.core.cfg.Cluster.OnSurvey(targetTopic, s.core.replyTarget)()
	var group sync.WaitGroup
	group.Go(func() { _ = s.sockets.Run(ctx) })
	group.Go(func() { s.core.channels.run(ctx) })
	group.Wait()
	return nil
}

// Shutdown ends all Engine.IO sessions in such a way that their clients reconnect. It calls hub.Hub.Drain, so that
// viewers stay in their lives. It waits until the sessions have ended and the log contains their leaves from the chat,
// or until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	s.core.cfg.Hub.Drain()
	err := s.sockets.Shutdown(ctx)
	s.core.cfg.Chat.Flush(ctx)
	return err
}

// Connections returns the connected sockets.
func (s *Server) Connections() []hub.Connection {
	sockets := s.core.sockets.list()
	all := make([]hub.Connection, 0, len(sockets))
	for _, k := range sockets {
		all = append(all, hub.Connection{
			ID: domain.ConnectionID(k.PublicID()), Alias: domain.ConnectionID(k.Alias()), Key: k.ID(),
			Dialect: "socketio", Address: k.Session().Address(), Since: k.Session().OpenedAt(),
		})
	}
	return all
}

// Kick disconnects the socket with an id. It reports false if there is no such socket.
func (s *Server) Kick(id domain.ConnectionID, reason string) bool {
	for _, k := range s.core.sockets.list() {
		if k.ID() == string(id) || k.HasID(string(id)) {
			s.core.kick(k, reason)
			return true
		}
	}
	return false
}
