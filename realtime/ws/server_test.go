package ws_test

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"roomlog/internal/settings"
	"roomlog/realtime/ws"
	"roomlog/realtime/ws/wstest"
)

// peer records the messages and the end of a connection.
type peer struct {
	conn   *ws.Conn
	onText func(p *peer, message string)
	texts  chan string
	closed chan ending
}

type ending struct {
	code   uint16
	reason string
}

func (p *peer) Text(message []byte) {
	if p.onText != nil {
		p.onText(p, string(message))
		return
	}
	p.texts <- string(message)
}

func (p *peer) Closed(code uint16, reason string) { p.closed <- ending{code, reason} }

// server is a ws.Server with a real HTTP server.
type server struct {
	*ws.Server
	addr  string
	peers chan *peer
}

// serve starts a server. It sends the peers of new connections to the channel peers.
func serve(t testing.TB, change func(*ws.Config)) *server {
	t.Helper()
	return serveOn(t, wstest.Listen(t), nil, change)
}

func serveOn(t testing.TB, l net.Listener, wrap func(http.Handler) http.Handler, change func(*ws.Config)) *server {
	t.Helper()
	s := &server{addr: l.Addr().String(), peers: make(chan *peer, 10_000)}
	cfg := ws.Config{Now: time.Now, HelloTimeout: -1, PingInterval: time.Hour, SocketTimeout: -1} // no pings, unless a test sets an interval
	if change != nil {
		change(&cfg)
	}
	settings.Defaults(&cfg)
	inner := cfg.Open
	cfg.Open = func(c *ws.Conn, r *http.Request) ws.Peer {
		if inner != nil {
			return inner(c, r)
		}
		p := &peer{conn: c, texts: make(chan string, 1000), closed: make(chan ending, 1)}
		s.peers <- p
		return p
	}
	s.Server = ws.NewServer(cfg)
	var handler http.Handler = s.Server
	if wrap != nil {
		handler = wrap(handler)
	}
	web := &http.Server{Handler: handler, ReadHeaderTimeout: wstest.Timeout}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = s.Run(ctx) })
	running.Go(func() { _ = web.Serve(l) })
	t.Cleanup(func() {
		ctx, stop := context.WithTimeout(context.Background(), wstest.Timeout)
		defer stop()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		_ = web.Close()
		cancel()
		running.Wait()
	})
	return s
}
