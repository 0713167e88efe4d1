package serve

import (
	"log/slog"
	"net/http"

	"roomlog/internal/httpserver"
	"roomlog/internal/limit"
)

// newHTTPServer returns a server with the limits in the settings, and the slots of its connections. Each HTTP port of
// this process has such a server.
func (c *config) newHTTPServer(handler http.Handler, env *environment, proxies limit.Proxies) (*http.Server, *limit.Slots) {
	slots := limit.NewSlots(c.MaxHTTPConnections, c.MaxConnectionsPerAddress, proxies)
	return httpserver.New(httpserver.Config{
		Timeouts: c.Timeouts, Handler: handler, Slots: slots, Now: env.sh.Now,
		ErrorLog: slog.NewLogLogger(env.log.Handler(), slog.LevelDebug), // these messages are about faults of clients
	}), slots
}
