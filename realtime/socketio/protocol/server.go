package protocol

import (
	"context"
	"net/http"
	"time"

	"roomlog/realtime/socketio/engineio"
)

// Config is what a Server needs. The settings with a default tag must not be zero: settings.Defaults fills them.
type Config struct {
	Engine     engineio.Config // the server sets Open
	Namespaces []Namespace

	// MaxNamespaces bounds the namespaces that one client is connected to.
	MaxNamespaces int `default:"16"`
	// MaxAttachments bounds the attachments of one packet. All together are bounded by Engine.MaxPayload.
	MaxAttachments int `default:"10"`
}

// Server holds the sockets. It is an http.Handler, for one path.
type Server struct {
	engine     *engineio.Engine
	now        func() time.Time
	namespaces map[string]*hall

	maxNamespaces, maxAttachments, maxBytes int
}

// hall is a namespace and what the server remembers of it.
type hall struct {
	Namespace
	memory *memory // nil without recovery
}

// New makes a server. It works while Run runs.
func New(cfg Config) *Server {
	s := &Server{now: cfg.Engine.Now, namespaces: make(map[string]*hall)}
	s.maxNamespaces, s.maxAttachments, s.maxBytes = cfg.MaxNamespaces, cfg.MaxAttachments, cfg.Engine.MaxPayload
	if s.maxNamespaces <= 0 || s.maxAttachments <= 0 {
		panic("protocol: Config.MaxNamespaces or Config.MaxAttachments is zero: call settings.Defaults first")
	}
	for _, n := range cfg.Namespaces {
		h := &hall{Namespace: n}
		if n.Recovery != nil {
			h.memory = newMemory(*n.Recovery, s.now)
		}
		s.namespaces[n.Name] = h
	}
	cfg.Engine.Open = s.open
	s.engine = engineio.New(cfg.Engine)
	return s
}

// Engine carries the messages of the server.
func (s *Server) Engine() *engineio.Engine { return s.engine }

// ServeHTTP serves clients.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

// Run keeps the server working until ctx ends.
func (s *Server) Run(ctx context.Context) error { return s.engine.Run(ctx) }

// Shutdown is that of the engine.
func (s *Server) Shutdown(ctx context.Context) error { return s.engine.Shutdown(ctx) }

// open makes the client of a new session.
func (s *Server) open(session *engineio.Session) engineio.Handler {
	c := &client{server: s, session: session, sockets: make(map[string]*Socket)}
	if c.old() {
		c.connect("/", nil) // these clients are in it without asking
		session.Settled()
	}
	return c
}
