package ws

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lxzan/gws"
)

// maxCheckInterval is the maximum time between two checks of all connections.
const maxCheckInterval = time.Second

// Server is an http.Handler that accepts WebSocket connections and serves them until they end.
type Server struct {
	cfg      Config
	shared   shared
	upgrader *gws.Upgrader
	ping     *Frame
	workers  []*flusher
	serial   atomic.Uint32

	mu      sync.Mutex
	conns   []*Conn
	opening int           // number of requests that may become connections
	empty   chan struct{} // created by Shutdown, closed when no connection is left and no request can become one
}

// NewServer returns a Server. It sends pings and pushes while Run runs. It panics if Now or a setting is missing in
// cfg.
func NewServer(cfg Config) *Server {
	cfg.check()
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Limiter == nil {
		cfg.Limiter = Unlimited{}
	}
	s := &Server{cfg: cfg, ping: newFrame(opPing, nil), upgrader: newUpgrader(cfg.MaxMessage, cfg.ReadBuffer, cfg.Deflate)}
	s.shared.now, s.shared.log, s.shared.start = cfg.Now, cfg.Log, cfg.Now()
	s.shared.skipped, s.shared.queueBytes, s.shared.writeTimeout = cfg.Skipped, cfg.QueueBytes, cfg.WriteTimeout
	s.shared.removed, s.shared.background = s.remove, newBackground()
	s.shared.stats.init()
	for range runtime.GOMAXPROCS(0) {
		worker := newFlusher(cfg.Now, cfg.PushWindow, &s.shared.stats)
		if cfg.Deflate {
			worker.compressor = newCompressor()
		}
		s.workers = append(s.workers, worker)
	}
	return s
}

// Stats returns the server's counters.
func (s *Server) Stats() *Stats { return &s.shared.stats }

// Run sends pings, closes silent connections, flushes the fan-outs and runs functions passed to Serial.Later, until ctx
// ends. Stop it after Shutdown has returned.
func (s *Server) Run(ctx context.Context) error {
	var group sync.WaitGroup
	for _, worker := range s.workers {
		group.Go(func() { worker.run(ctx) })
	}
	group.Go(func() { s.checkConns(ctx) })
	group.Go(func() { s.shared.background.run(ctx) })
	group.Wait()
	return nil
}

// checkConns checks all connections periodically until ctx ends. One goroutine does so instead of one timer for each
// connection.
func (s *Server) checkConns(ctx context.Context) {
	ticks := time.NewTicker(s.checkInterval())
	defer ticks.Stop()
	var all []*Conn
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		all = s.snapshot(all[:0])
		now := s.shared.since(s.cfg.Now())
		for _, c := range all {
			s.checkConn(c, now)
		}
		clear(all)
	}
}

// checkInterval returns the time between two checks, which is at most a quarter of the shortest timeout.
func (s *Server) checkInterval() time.Duration {
	interval := maxCheckInterval
	for _, timeout := range []time.Duration{s.cfg.HelloTimeout, s.cfg.PingInterval, s.cfg.SocketTimeout} {
		if timeout > 0 {
			interval = min(interval, timeout/4)
		}
	}
	return max(interval, time.Millisecond)
}

func (s *Server) checkConn(c *Conn, now time.Duration) {
	switch {
	case now > time.Duration(c.helloDue.Load()) && !c.identified.Load():
		c.Close(CloseHelloTimeout, "no hello")
	case s.cfg.SocketTimeout > 0 && now-time.Duration(c.lastFrame.Load()) > s.cfg.SocketTimeout:
		c.Close(CloseIdle, "no frame for too long")
	case s.cfg.PingInterval > 0 && now-c.pinged >= s.cfg.PingInterval:
		c.pinged = now
		c.Send(s.ping)
	}
}

// Shutdown closes every connection with CloseRestart, each with a different time after which to reconnect, and blocks
// until all are closed. If ctx ends first, it closes the remaining sockets. The server refuses new requests.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if s.empty == nil {
		s.empty = make(chan struct{})
	}
	s.signalEmpty()
	empty := s.empty
	s.mu.Unlock()
	for _, c := range s.Conns() {
		s.closeForRestart(c)
	}
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
	}
	for _, c := range s.Conns() {
		c.end(CloseLost, "", nil)
	}
	return ctx.Err()
}

// CloseAll closes every connection with a code and a reason. It does not wait for the connections to end.
func (s *Server) CloseAll(code uint16, reason string) {
	for _, c := range s.Conns() {
		c.Close(code, reason)
	}
}

// Conns returns the open connections in no particular order.
func (s *Server) Conns() []*Conn { return s.snapshot(nil) }

func (s *Server) closeForRestart(c *Conn) {
	after := rand.N(s.cfg.RestartSpread)
	c.Close(CloseRestart, fmt.Sprintf(`{"retry_after":%d}`, after.Milliseconds()))
}

func (s *Server) add(c *Conn) {
	s.shared.stats.Open.Add(1)
	s.shared.stats.Opened.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	c.index = len(s.conns)
	s.conns = append(s.conns, c)
}

// remove unregisters a connection that is closed and releases its slot.
func (s *Server) remove(c *Conn, code uint16) {
	c.slot.Release()
	s.shared.stats.Open.Add(-1)
	s.shared.stats.countClosed(code)
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.conns) - 1
	s.conns[c.index] = s.conns[last]
	s.conns[c.index].index = c.index
	s.conns[last] = nil
	s.conns = s.conns[:last]
	s.signalEmpty()
}

// beginOpening notes that a request may become a connection, for which Shutdown has to wait. It reports false if Shutdown has begun.
func (s *Server) beginOpening() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.empty != nil {
		return false
	}
	s.opening++
	return true
}

// endOpening notes that a request was refused or has become a connection.
func (s *Server) endOpening() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opening--
	s.signalEmpty()
}

// signalEmpty wakes Shutdown when no connection is left and no request can become one.
func (s *Server) signalEmpty() {
	if s.empty == nil || len(s.conns) > 0 || s.opening > 0 {
		return
	}
	select {
	case <-s.empty: // closed before
	default:
		close(s.empty)
	}
}

func (s *Server) snapshot(into []*Conn) []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(into, s.conns...)
}

func (s *Server) stopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.empty != nil
}
