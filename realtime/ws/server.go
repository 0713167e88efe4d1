package ws

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lxzan/gws"
)

// maxTendInterval is how long the tender leaves the connections alone, at most.
const maxTendInterval = time.Second

// Server accepts WebSocket connections and keeps them. It is an http.Handler.
type Server struct {
	openPeer func(*Conn, *http.Request) Peer
	skipped  func(Span, int) []byte
	now      func() time.Time
	log      *slog.Logger
	gate     *Gate
	upgrader *gws.Upgrader
	ping     *Frame
	start    time.Time
	workers  []*flusher
	stats    Stats
	serial   atomic.Uint32

	maxMessage, readBuffer, sendBuffer, queueBytes int
	frameRate                                      float64
	frameBurst                                     int
	packs                                          bool
	writeTimeout, helloTimeout, pingInterval       time.Duration
	idleTimeout, flushWindow, restartSpread        time.Duration

	mu    sync.Mutex
	conns []*Conn
	empty chan struct{} // set by Shutdown, closed when no connection is left
}

// NewServer makes a handler for connections. It works while Run runs.
func NewServer(cfg Config) *Server {
	if cfg.Now == nil {
		panic("ws: SocketConfig needs Now")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Gate == nil {
		cfg.Gate = NewGate(GateConfig{})
	}
	s := &Server{
		openPeer: cfg.Open, skipped: cfg.Skipped, now: cfg.Now, log: cfg.Log, gate: cfg.Gate,
		ping: newFrame(opPing, nil), start: cfg.Now(), packs: cfg.Deflate,
		maxMessage:    withDefault(cfg.MaxMessage, DefaultMaxMessage),
		readBuffer:    withDefault(cfg.ReadBuffer, DefaultReadBuffer),
		sendBuffer:    withDefault(cfg.SendBuffer, DefaultSendBuffer),
		queueBytes:    withDefault(cfg.QueueBytes, DefaultQueueBytes),
		writeTimeout:  withDefault(cfg.WriteTimeout, DefaultWriteTimeout),
		helloTimeout:  withDefault(cfg.HelloTimeout, DefaultHelloTimeout),
		pingInterval:  withDefault(cfg.PingInterval, DefaultPingInterval),
		idleTimeout:   withDefault(cfg.SocketTimeout, DefaultIdleTimeout),
		frameRate:     withDefault(cfg.FrameRate, DefaultFrameRate),
		frameBurst:    withDefault(cfg.FrameBurst, DefaultFrameBurst),
		flushWindow:   withDefault(cfg.PushWindow, DefaultFlushWindow),
		restartSpread: withDefault(cfg.RestartSpread, DefaultRestartSpread),
	}
	s.stats.init()
	s.upgrader = newUpgrader(s.maxMessage, s.readBuffer, s.packs)
	for range runtime.GOMAXPROCS(0) {
		worker := newFlusher(s.now, s.flushWindow, &s.stats)
		if s.packs {
			worker.packer = newPacker()
		}
		s.workers = append(s.workers, worker)
	}
	return s
}

// Stats are the counters of these sockets.
func (s *Server) Stats() *Stats { return &s.stats }

// Run pings and reaps the connections and flushes the fan-outs until ctx ends. It is to be stopped after
// Shutdown returned.
func (s *Server) Run(ctx context.Context) error {
	var group sync.WaitGroup
	for _, worker := range s.workers {
		group.Go(func() { worker.run(ctx) })
	}
	group.Go(func() { s.tend(ctx) })
	group.Wait()
	return nil
}

// tend looks at every connection now and then: one goroutine instead of a timer for each.
func (s *Server) tend(ctx context.Context) {
	ticks := time.NewTicker(s.tendInterval())
	defer ticks.Stop()
	var all []*Conn
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		all = s.snapshot(all[:0])
		now := s.since(s.now())
		for _, c := range all {
			s.tendTo(c, now)
		}
		clear(all)
	}
}

// tendInterval is short enough that no timeout is missed by more than a quarter.
func (s *Server) tendInterval() time.Duration {
	interval := maxTendInterval
	for _, timeout := range []time.Duration{s.helloTimeout, s.pingInterval, s.idleTimeout} {
		if timeout > 0 {
			interval = min(interval, timeout/4)
		}
	}
	return max(interval, time.Millisecond)
}

func (s *Server) tendTo(c *Conn, now time.Duration) {
	switch {
	case s.helloTimeout >= 0 && now-c.opened > s.helloTimeout && !c.greeted.Load():
		c.Close(CloseHelloTimeout, "no hello")
	case s.idleTimeout >= 0 && now-time.Duration(c.seen.Load()) > s.idleTimeout:
		c.Close(CloseIdle, "nothing heard for too long")
	case s.pingInterval >= 0 && now-c.pinged >= s.pingInterval:
		c.pinged = now
		c.Send(s.ping)
	}
}

// Shutdown tells every client to come back in a while, each at another moment, and waits until all
// connections are closed; when ctx ends first, it cuts the rest. New requests are refused from now on.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if s.empty == nil {
		s.empty = make(chan struct{})
	}
	s.tellEmpty()
	empty := s.empty
	s.mu.Unlock()
	for _, c := range s.snapshot(nil) {
		s.sendAway(c)
	}
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
	}
	for _, c := range s.snapshot(nil) {
		c.end(CloseLost, "", nil)
	}
	return ctx.Err()
}

// Conns returns the open connections in no particular order.
func (s *Server) Conns() []*Conn { return s.snapshot(nil) }

// CloseAll closes every connection with a code and a reason. It does not wait for the connections to end.
func (s *Server) CloseAll(code uint16, reason string) {
	for _, c := range s.snapshot(nil) {
		c.Close(code, reason)
	}
}

func (s *Server) sendAway(c *Conn) {
	c.Close(CloseRestart, restartReason(rand.N(s.restartSpread)))
}

// add registers a connection.
func (s *Server) add(c *Conn) {
	s.stats.Open.Add(1)
	s.stats.Opened.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	c.index = len(s.conns)
	s.conns = append(s.conns, c)
}

// remove forgets a connection that is closed, and gives its place back.
func (s *Server) remove(c *Conn, code uint16) {
	s.gate.release(c.address)
	s.stats.Open.Add(-1)
	s.stats.countClosed(code)
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.conns) - 1
	s.conns[c.index] = s.conns[last]
	s.conns[c.index].index = c.index
	s.conns[last] = nil
	s.conns = s.conns[:last]
	s.tellEmpty()
}

// tellEmpty wakes Shutdown when there is nothing left to wait for.
func (s *Server) tellEmpty() {
	if s.empty == nil || len(s.conns) > 0 {
		return
	}
	select {
	case <-s.empty: // closed already
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

// since puts a time on the sockets' own clock, which does not jump when the wall clock is set.
func (s *Server) since(t time.Time) time.Duration { return t.Sub(s.start) }
