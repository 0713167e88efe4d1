package serve

import (
	"net"
	"net/http"
	"sync"

	"roomlog/internal/limit"
)

// connLimit closes new HTTP connections that get no slot. It bounds what the server allocates before a request arrives.
// Connections that became WebSockets give their slots back, because the WebSocket servers have limits of their own.
type connLimit struct {
	slots *limit.Slots

	mu       sync.Mutex
	releases map[net.Conn]func()
}

func newConnLimit(slots *limit.Slots) *connLimit {
	return &connLimit{slots: slots, releases: map[net.Conn]func(){}}
}

// watch is a http.Server.ConnState function.
func (l *connLimit) watch(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		release, err := l.slots.Acquire(limit.ParseAddr(conn.RemoteAddr().String()))
		if err != nil {
			_ = conn.Close() // the read of the request fails
			return
		}
		l.mu.Lock()
		l.releases[conn] = release
		l.mu.Unlock()
	case http.StateClosed, http.StateHijacked:
		l.mu.Lock()
		release := l.releases[conn]
		delete(l.releases, conn)
		l.mu.Unlock()
		if release != nil {
			release()
		}
	}
}

func (l *connLimit) open() float64 { return float64(l.slots.Count()) }
