package serve

import (
	"log/slog"
	"net/http"

	"roomlog/internal/httpserver"
	"roomlog/internal/limit"
)

// newHTTPServer returns a server with the limits of the settings, and the slots of its connections. All HTTP ports of
// this process are served by one.
func (c *config) newHTTPServer(handler http.Handler, env *environment, proxies limit.Proxies) (*http.Server, *limit.Slots) {
	slots := limit.NewSlots(c.MaxHTTPConnections, c.MaxConnectionsPerAddress, proxies)
	return httpserver.New(httpserver.Config{
		Timeouts: c.Timeouts, Handler: handler, Slots: slots, Now: env.sh.Now,
		ErrorLog: slog.NewLogLogger(env.log.Handler(), slog.LevelDebug), // faults of clients
	}), slots
}
