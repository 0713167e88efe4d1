package protocol

import (
	"context"
	"net/http"
	"time"

	"roomlog/realtime/socketio/engineio"
)

// The defaults of Config.
const (
	DefaultMaxNamespaces  = 16 // of one client
	DefaultMaxAttachments = 10 // of one packet
)

// Config is what a Server needs and how it behaves. Of the limits zero means the default.
type Config struct {
	Engine     engineio.Config // Open is the server's
	Namespaces []Namespace

	MaxNamespaces  int // that one client is connected to
	MaxAttachments int // of one packet; all together are bounded like one message
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
	s.maxNamespaces, s.maxAttachments = cfg.MaxNamespaces, cfg.MaxAttachments
	if s.maxNamespaces == 0 {
		s.maxNamespaces = DefaultMaxNamespaces
	}
	if s.maxAttachments == 0 {
		s.maxAttachments = DefaultMaxAttachments
	}
	if s.maxBytes = cfg.Engine.MaxPayload; s.maxBytes == 0 {
		s.maxBytes = engineio.DefaultMaxPayload
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
