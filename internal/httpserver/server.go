package httpserver

import (
	"context"
	"net"
	"net/http"
	"sync"

	"roomlog/internal/limit"
	"roomlog/internal/netconn"
	"roomlog/internal/settings"
)

// maxStreams is the maximum number of requests that run at the same time on a connection over HTTP/2. A page or a player needs fewer.
const maxStreams = 32

// New returns a server with the limits of c. Zero values of settings mean their defaults. To serve HTTPS, set TLSConfig and call
// ServeTLS.
func New(c Config) *http.Server {
	settings.Defaults(&c)
	conns := &connections{config: c, open: make(map[net.Conn]*connection)}
	return &http.Server{
		Handler:           limitHandler(c),
		ReadHeaderTimeout: c.HeaderTimeout,
		IdleTimeout:       c.IdleTimeout,
		MaxHeaderBytes:    c.HeaderBytes,
		ConnContext:       conns.opened,
		ConnState:         conns.changed,
		ErrorLog:          c.ErrorLog,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
	}
}

// connections gives a slot to every connection, or closes it.
type connections struct {
	config Config

	mu   sync.Mutex
	open map[net.Conn]*connection
}

// opened gives a new connection a slot, or closes it if there is none. It is a http.Server.ConnContext function.
func (c *connections) opened(ctx context.Context, conn net.Conn) context.Context {
	addr := limit.ParseAddr(conn.RemoteAddr().String())
	slot, err := c.config.Slots.Acquire(addr)
	if err != nil {
		_ = conn.Close() // the server's read of the request then fails
		return ctx
	}
	if tcp, ok := netconn.Below(conn).(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(c.config.SendBuffer)
	}
	one := &connection{raw: conn, slots: c.config.Slots, addr: addr}
	one.rest(slot)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[conn] = one
	return context.WithValue(ctx, connectionKey{}, one)
}

// changed releases the slot of a connection that has ended. It is called by http.Server.ConnState.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	if state != http.StateClosed && state != http.StateHijacked {
		return
	}
	c.mu.Lock()
	one := c.open[conn]
	delete(c.open, conn)
	c.mu.Unlock()
	if one != nil {
		one.close()
	}
}
