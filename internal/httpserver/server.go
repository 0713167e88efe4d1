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

// New returns a server with the limits of c. Zero values of settings mean their defaults. To serve HTTPS, set TLSConfig and call
// ServeTLS.
func New(c Config) *http.Server {
	settings.Defaults(&c)
	conns := &connections{config: c, slots: make(map[net.Conn]*slot)}
	return &http.Server{
		Handler:           limitHandler(c),
		ReadHeaderTimeout: c.HeaderTimeout,
		IdleTimeout:       c.IdleTimeout,
		MaxHeaderBytes:    c.HeaderBytes,
		ConnContext:       conns.opened,
		ConnState:         conns.changed,
		ErrorLog:          c.ErrorLog,
	}
}

// connections gives a slot to every connection, or closes it.
type connections struct {
	config Config

	mu    sync.Mutex
	slots map[net.Conn]*slot
}

// opened is a http.Server.ConnContext function.
func (c *connections) opened(ctx context.Context, conn net.Conn) context.Context {
	taken, err := c.config.Slots.Acquire(limit.ParseAddr(conn.RemoteAddr().String()))
	if err != nil {
		_ = conn.Close() // Then the read of the request fails.
		return ctx
	}
	if tcp, ok := netconn.Below(conn).(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(c.config.SendBuffer)
	}
	s := &slot{taken, conn}
	s.wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slots[conn] = s
	return context.WithValue(ctx, slotKey{}, s)
}

// changed moves or releases the slot of a connection whose state has changed. It is called by http.Server.ConnState.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	s := c.slots[conn]
	if state == http.StateClosed || state == http.StateHijacked {
		delete(c.slots, conn)
	}
	c.mu.Unlock()
	switch {
	case s == nil:
	case state == http.StateActive: // The header of a request has arrived.
		s.busy()
	case state == http.StateIdle:
		s.wait()
	case state == http.StateClosed, state == http.StateHijacked:
		s.Release()
	}
}
