package engineio

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"roomlog/realtime/ws"
)

// Engine holds sessions. It is an http.Handler, for one path.
type Engine struct {
	cfg     Config
	sockets *ws.Server
	polling atomic.Int64 // sessions that poll

	mu       sync.Mutex
	sessions map[string]*Session
	empty    chan struct{} // set by Shutdown, closed when no session is left
}

// New makes an engine. It works while Run runs.
func New(cfg Config) *Engine {
	cfg.check()
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Engine{cfg: cfg, sockets: ws.NewServer(cfg.sockets()), sessions: make(map[string]*Session)}
}

// Stats are the counters of the connections and of everything that waits to be sent or fetched.
func (e *Engine) Stats() *ws.Stats { return e.sockets.Stats() }

// Polling is the number of sessions that poll.
func (e *Engine) Polling() int64 { return e.polling.Load() }

// Run watches the sessions' deadlines and writes to their connections until ctx ends. It is to be stopped
// after Shutdown returned.
func (e *Engine) Run(ctx context.Context) error {
	var group sync.WaitGroup
	group.Go(func() { _ = e.sockets.Run(ctx) })
	group.Go(func() { e.tend(ctx) })
	group.Wait()
	return nil
}

// ServeHTTP opens sessions and serves those that poll.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	transport, upgrade := query.Get("transport"), strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
	switch {
	case !e.cfg.Sockets.Origins.Allow(r.Header.Get("Origin")):
		forbidden.write(w)
	case transport != "websocket" && transport != "polling":
		unknownTransport.write(w)
	case query.Has("j"): // JSONP
		badRequest.write(w)
	case query.Get("sid") == "":
		e.handshake(w, r, query)
	case upgrade != (transport == "websocket"):
		badRequest.write(w)
	default:
		s := e.find(query.Get("sid"))
		switch {
		case s == nil:
			unknownSession.write(w)
		case upgrade:
			s.upgrade(w, r)
		case r.Method == http.MethodGet:
			s.poll(w, r)
		case r.Method == http.MethodPost:
			s.post(w, r)
		default:
			badRequest.write(w)
		}
	}
}

// handshake opens a session.
func (e *Engine) handshake(w http.ResponseWriter, r *http.Request, query url.Values) {
	version := map[string]Version{"3": V3, "4": V4}[query.Get("EIO")]
	upgrade := strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
	switch {
	case version == 0:
		badVersion.write(w)
	case r.Method != http.MethodGet:
		badMethod.write(w)
	case upgrade != (query.Get("transport") == "websocket"):
		badRequest.write(w)
	case e.stopping():
		stopping.write(w)
	case upgrade:
		s := e.newSession(version, query)
		e.sockets.Accept(w, r, func(c *ws.Conn) ws.Peer {
			s.address = c.Address()
			s.carrier = &carrier{session: s, conn: c}
			e.open(s)
			return s.carrier
		})
	default:
		e.openPolling(w, r, e.newSession(version, query))
	}
}

// openPolling opens a session that polls; this request is its first poll.
func (e *Engine) openPolling(w http.ResponseWriter, r *http.Request, s *Session) {
	if e.polling.Add(1) > int64(e.cfg.MaxPolling) {
		e.polling.Add(-1)
		tooMany.write(w)
		return
	}
	address, leave, ok := e.sockets.Admit(w, r)
	if !ok {
		e.polling.Add(-1)
		return
	}
	s.address = address
	s.leave = func() {
		e.polling.Add(-1)
		leave()
	}
	s.backlog = e.sockets.NewBacklog()
	e.open(s)
	s.poll(w, r)
}

// open makes a session known, greets the client and tells the layer above.
func (e *Engine) open(s *Session) {
	s.receiving.Lock() // an end, or a message, has to wait
	defer s.receiving.Unlock()
	e.mu.Lock()
	e.sessions[s.id] = s
	e.mu.Unlock()
	s.Send(s.greeting())
	s.handler = e.cfg.Open(s)
	if e.stopping() { // it came while the others were ended
		s.end("server shutting down", "")
	}
}

func (e *Engine) find(id string) *Session {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sessions[id]
}

// forget drops a session that has ended.
func (e *Engine) forget(s *Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.sessions, s.id)
	e.tellEmpty()
}

// Shutdown ends all sessions, so that their clients come back, to another process or a later one, and waits
// until they have ended or ctx has. New ones are refused from now on.
func (e *Engine) Shutdown(ctx context.Context) error {
	e.mu.Lock()
	if e.empty == nil {
		e.empty = make(chan struct{})
	}
	e.tellEmpty()
	empty := e.empty
	e.mu.Unlock()
	for _, s := range e.all(nil) {
		if !s.Upgraded() {
			s.end("server shutting down", "")
		}
	}
	if err := e.sockets.Shutdown(ctx); err != nil {
		return err
	}
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tellEmpty wakes Shutdown when there is nothing left to wait for.
func (e *Engine) tellEmpty() {
	if e.empty == nil || len(e.sessions) > 0 {
		return
	}
	select {
	case <-e.empty: // closed already
	default:
		close(e.empty)
	}
}

func (e *Engine) stopping() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.empty != nil
}

func (e *Engine) all(into []*Session) []*Session {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.sessions {
		into = append(into, s)
	}
	return into
}
