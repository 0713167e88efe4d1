package protocol

import (
	"context"
	"net/http"

	"roomlog/realtime/socketio/engineio"
)

// Config configures a Server. The settings with a default tag must not be zero: settings.Defaults fills them.
type Config struct {
	Engine     engineio.Config // configuration of the engine; the server sets Open
	Namespaces []Namespace

	// MaxNamespaces is the maximum number of namespaces to which one client is connected.
	MaxNamespaces int `default:"16"`
	// MaxAttachments is the maximum number of attachments of one packet. Engine.MaxPayload limits their total size.
	MaxAttachments int `default:"10"`
}

// Server holds the sockets. It is an http.Handler for one path.
type Server struct {
	engine     *engineio.Engine
	namespaces map[string]*namespace
	limits     limits
}

// New returns a Server. It works while Run runs. It panics when cfg lacks a dependency or a setting.
func New(cfg Config) *Server {
	if cfg.MaxNamespaces <= 0 || cfg.MaxAttachments <= 0 {
		panic("protocol: Config.MaxNamespaces or Config.MaxAttachments is zero: call settings.Defaults first")
	}
	s := &Server{namespaces: make(map[string]*namespace)}
	s.limits = limits{cfg.MaxNamespaces, cfg.MaxAttachments, cfg.Engine.MaxPayload}
	stores := make(map[*Recovery]*recoveryStore)
	for _, n := range cfg.Namespaces {
		if n.Recovery != nil && stores[n.Recovery] == nil {
			stores[n.Recovery] = newRecoveryStore(*n.Recovery, cfg.Engine.Now)
		}
		s.namespaces[n.Name] = &namespace{n, stores[n.Recovery]}
	}
	cfg.Engine.Open = s.open
	s.engine = engineio.New(cfg.Engine)
	return s
}

// Engine returns the engine that carries the server's messages.
func (s *Server) Engine() *engineio.Engine { return s.engine }

// ServeHTTP serves clients.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

// Run runs the engine until ctx ends.
func (s *Server) Run(ctx context.Context) error { return s.engine.Run(ctx) }

// Shutdown ends all sessions, as Engine.Shutdown does.
func (s *Server) Shutdown(ctx context.Context) error { return s.engine.Shutdown(ctx) }

// open creates the client of a new session. Clients of protocol 4 are in the default namespace without a CONNECT.
func (s *Server) open(session *engineio.Session) engineio.Handler {
	c := &client{
		namespaces: s.namespaces, limits: s.limits, session: session,
		sockets: make(map[string]*Socket), shared: new(sharedValue),
	}
	if c.protocol4() {
		c.connect("/", nil, nil)
		session.Settled()
	}
	return c
}
