package engineio

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"roomlog/internal/limit"
	"roomlog/realtime/ws"
)

// Bounds of the time between two checks of all sessions.
const (
	maxCheckInterval = time.Second
	minCheckInterval = time.Millisecond
)

// Engine holds the Engine.IO sessions. It is an http.Handler for one path.
type Engine struct {
	cfg     Config
	shared  shared
	sockets *ws.Server
	polling *limit.Slots // slots of the sessions that poll

	mu       sync.Mutex
	sessions map[string]*Session
	empty    chan struct{} // closed when no session is left after Shutdown; Shutdown creates the channel
}

// New returns an Engine. It checks deadlines while Run runs. It panics when cfg lacks a dependency or a setting.
func New(cfg Config) *Engine {
	cfg.check()
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	e := &Engine{cfg: cfg, sockets: ws.NewServer(cfg.sockets()), polling: limit.NewSlots(cfg.MaxPolling, 0, nil), sessions: make(map[string]*Session)}
	e.shared = shared{
		now: cfg.Now, log: cfg.Log, stats: e.sockets.Stats(), forget: e.forget, maxPayload: cfg.MaxPayload,
		pingInterval: cfg.Sockets.PingInterval, pingTimeout: cfg.PingTimeout, upgradeTimeout: cfg.UpgradeTimeout,
		settleTimeout: cfg.SettleTimeout, idleTimeout: cfg.IdleTimeout, bodyTimeout: cfg.BodyTimeout,
	}
	return e
}

// Stats returns the counters of the connections and of all queues.
func (e *Engine) Stats() *ws.Stats { return e.sockets.Stats() }

// Polling returns the number of sessions that poll.
func (e *Engine) Polling() int64 { return int64(e.polling.Count()) }

// Run checks the deadlines of the sessions and writes to their connections until ctx ends. Stop it after Shutdown
// returned.
func (e *Engine) Run(ctx context.Context) error {
	var group sync.WaitGroup
	group.Go(func() { _ = e.sockets.Run(ctx) })
	group.Go(func() { e.checkSessions(ctx) })
	group.Wait()
	return nil
}

// checkSessions checks every session periodically until ctx ends. One goroutine replaces a timer for each session.
func (e *Engine) checkSessions(ctx context.Context) {
	cfg := &e.cfg
	interval := maxCheckInterval
	for _, timeout := range []time.Duration{cfg.Sockets.PingInterval, cfg.PingTimeout, cfg.UpgradeTimeout, cfg.SettleTimeout, cfg.IdleTimeout} {
		interval = min(interval, timeout/8)
	}
	ticks := time.NewTicker(max(interval, minCheckInterval))
	defer ticks.Stop()
	var all []*Session
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		all = e.all(all[:0])
		now := cfg.Now()
		for _, s := range all {
			s.check(now)
		}
		clear(all)
	}
}

// ServeHTTP opens sessions and serves the requests of sessions that poll.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	transport, upgrade := query.Get("transport"), strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
	switch {
	case !e.cfg.Sockets.Origins.Allow(r.Header.Get("Origin")):
		forbidden.write(w)
	case transport != "websocket" && transport != "polling":
		unknownTransport.write(w)
	case query.Has("j"): // A client that sends j uses JSONP, which is not supported.
		badRequest.write(w)
	case query.Get("sid") == "":
		e.handshake(w, r, query)
	case upgrade != (transport == "websocket"):
		badRequest.write(w)
	default:
		e.serveSession(w, r, e.find(query.Get("sid")), upgrade)
	}
}

// serveSession serves a request of a session; s is nil when the session is unknown.
func (e *Engine) serveSession(w http.ResponseWriter, r *http.Request, s *Session, upgrade bool) {
	switch {
	case s == nil:
		unknownSession.write(w)
	case upgrade:
		requested := s.shared.now()
		e.sockets.Accept(w, r, func(conn *ws.Conn) ws.Peer { return s.startUpgrade(conn, requested) })
	case r.Method == http.MethodGet:
		s.poll(w, r)
	case r.Method == http.MethodPost:
		s.post(w, r)
	default:
		badRequest.write(w)
	}
}

func (e *Engine) handshake(w http.ResponseWriter, r *http.Request, query url.Values) {
	version := map[string]Version{"": V3, "3": V3, "4": V4}[query.Get("EIO")] // Some clients of version 3 do not send EIO.
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
		s.awaits = version == V4 && strings.HasPrefix(r.UserAgent(), misdeclaring)
		e.sockets.Accept(w, r, func(c *ws.Conn) ws.Peer {
			s.address = c.Address()
			s.carrier = &carrier{session: s, conn: c}
			c.SetTag(s.number)
			e.open(s)
			return s.carrier
		})
	default:
		e.openPolling(w, r, e.newSession(version, query))
	}
}

func (e *Engine) newSession(v Version, query url.Values) *Session {
	cfg := &e.cfg
	now := cfg.Now()
	s := &Session{
		shared: &e.shared, number: e.shared.sessions.Add(1), id: newID(), query: query, asText: query.Get("b64") != "",
		opened: now, onUpgrade: make(map[upgradeListener]struct{}), release: func() {},
	}
	s.version.Store(int32(v))
	if v == V3 && query.Get("transport") == "polling" {
		s.alias = newID()
	}
	if cfg.Sockets.FrameRate > 0 {
		s.limiter = rate.NewLimiter(rate.Limit(cfg.Sockets.FrameRate), cfg.Sockets.FrameBurst)
	}
	s.serial = e.sockets.NewSerial(s.recover)
	s.startInterval(now)
	return s
}

// openPolling opens a session that polls. The request is its first GET. If there are MaxPolling sessions that poll, the new
// one takes the place of one whose client does not poll.
func (e *Engine) openPolling(w http.ResponseWriter, r *http.Request, s *Session) {
	address, connection, ok := e.sockets.Admit(w, r)
	if !ok {
		return
	}
	polling, err := e.polling.AcquireKey(address)
	if err != nil {
		connection.Release()
		tooMany.write(w)
		return
	}
	s.address = address
	s.release = func() {
		polling.Release()
		connection.Release()
	}
	s.backlog = e.sockets.NewBacklog(e.cfg.BacklogBytes)
	e.open(s)
	s.holdSlots(connection, polling)
	s.poll(w, r)
}

// open registers a session, sends its handshake and creates its Handler. Messages, and the end of the session, wait for
// the Handler.
func (e *Engine) open(s *Session) {
	s.serial.Do(func() {
		e.mu.Lock()
		e.sessions[s.id] = s
		e.mu.Unlock()
		s.Send(s.handshake())
		s.handler = e.cfg.Open(s)
	})
	if e.stopping() { // The session was opened while Shutdown ended the other sessions.
		s.end("server shutting down", "")
	}
}

func (e *Engine) find(id string) *Session {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sessions[id]
}

// forget unregisters a session that has ended.
func (e *Engine) forget(s *Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.sessions, s.id)
	e.signalEmpty()
}

// Shutdown ends all sessions in such a way that their clients reconnect, to another node or later. It blocks until the
// sessions have ended or ctx ends. The engine refuses new sessions from the call on.
func (e *Engine) Shutdown(ctx context.Context) error {
	e.mu.Lock()
	if e.empty == nil {
		e.empty = make(chan struct{})
	}
	e.signalEmpty()
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

// signalEmpty wakes Shutdown when no session is left.
func (e *Engine) signalEmpty() {
	if e.empty == nil || len(e.sessions) > 0 {
		return
	}
	select {
	case <-e.empty: // It is closed already.
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
