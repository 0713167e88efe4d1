package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"

	"roomlog/internal/httpserver"
)

// openPprof serves profiles of the process on an address that is separate from the public one.
func (c *config) openPprof(ctx context.Context, env *environment, l *layers, slots connectionSlots) error {
	if c.PprofAddr == "" {
		return nil
	}
	listener, err := net.Listen("tcp", c.PprofAddr)
	if err != nil {
		return fmt.Errorf("listen for profiles: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	own := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if httpserver.Rebound(r, c.api.PublicURL) {
			http.NotFound(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
	server := c.newHTTPServer(own, env, slots)
	env.log.InfoContext(ctx, "serving profiles", slog.String("address", listener.Addr().String()))
	l.run(ctx, "profiles", func(ctx context.Context) error {
		stop := context.AfterFunc(ctx, func() { _ = server.Close() })
		defer stop()
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve profiles: %w", err)
		}
		return nil
	})
	return nil
}
