package serve

import (
	"log/slog"
	"net/http"

	"roomlog/internal/httpserver"
	"roomlog/internal/limit"
)

// connectionSlots are the slots of the connections of this process.
type connectionSlots struct {
	http       *limit.Slots // slots of all HTTP ports
	websockets *limit.Slots // slots of both WebSocket dialects
}

func (c *config) newSlots(proxies limit.Proxies) connectionSlots {
	return connectionSlots{
		limit.NewSlots(c.MaxHTTPConnections, c.MaxConnectionsPerAddress, proxies),
		limit.NewSlots(c.MaxConnections, c.MaxConnectionsPerAddress, nil), // proxies report the addresses of their clients
	}
}

func (s connectionSlots) registerMetrics(m metrics) {
	m.gauge("http_connections", "Open HTTP connections without WebSockets and FLV players.", func() float64 { return float64(s.http.Count()) })
	m.counter("http_evicted_total", "HTTP connections that were waiting for their client and gave their slot to another connection.",
		func() float64 { return float64(s.http.Evicted()) })
	m.counter("websocket_evicted_total", "WebSocket connections that had not signed in and gave their slot to another connection.",
		func() float64 { return float64(s.websockets.Evicted()) })
}

// newHTTPServer returns a server with the limits of the settings. Every HTTP port of this process uses one.
func (c *config) newHTTPServer(handler http.Handler, env *environment, slots connectionSlots) *http.Server {
	return httpserver.New(httpserver.Config{
		Timeouts: c.Timeouts, Handler: handler, Slots: slots.http, Now: env.sh.Now,
		ErrorLog: slog.NewLogLogger(env.log.Handler(), slog.LevelDebug), // faults of clients
	})
}
