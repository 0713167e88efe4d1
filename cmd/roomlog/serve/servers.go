package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"roomlog/api"
	"roomlog/api/cors"
	"roomlog/api/token"
	"roomlog/cmd/roomlog/streams"
	"roomlog/internal/certificate"
	"roomlog/internal/limit"
	"roomlog/media"
	"roomlog/media/broadcasts"
	"roomlog/realtime/socketio"
)

// servers contains the HTTP and WebSocket servers of a process.
type servers struct {
	http      *http.Server
	slots     connectionSlots
	handler   http.Handler // handles the requests of both
	plain     *http.Server // the server of --http-addr: http, or a server that redirects to HTTPS
	api       *api.API
	readiness *readiness

	sockets // servers of WebSocket and Socket.IO; empty if this process does not have the role realtime
}

// openServers creates the servers, which use the backend. They handle requests when run is called.
func (c *config) openServers(ctx context.Context, env *environment, b *backend, l *layers, m *mediaServer, cert *certificate.Source) (*servers, error) {
	proxies, err := limit.ParseProxies(c.TrustedProxies)
	if err != nil {
		return nil, err
	}
	tokens, err := token.NewIssuer(env.secrets.jwt, c.TokenLife, b.now)
	if err != nil {
		return nil, err
	}
	slots := c.newSlots(proxies)
	witnesses, err := c.WitnessSettings.Open()
	if err != nil {
		return nil, err
	}
	s := &servers{readiness: &readiness{backend: b, maxLag: c.MaxLag, witnesses: witnesses}}
	metrics := b.metrics()
	signer, err := media.NewSigner(env.secrets.sign, c.SignLife, b.now)
	if err != nil {
		return nil, err
	}
	var internal net.Listener
	if m != nil {
		internal = m.internal
	}
	relays, err := c.openRelays(env, b, signer, internal)
	if err != nil {
		return nil, err
	}
	if m != nil {
		if err := m.open(ctx, c, env, b, l, signer, relays, proxies, slots, cert); err != nil {
			return nil, err
		}
		s.readiness.more = append(s.readiness.more, m.check())
		m.registerMetrics(metrics)
	}
	config, err := c.apiConfig(env, b, tokens, signer)
	if err != nil {
		return nil, err
	}
	if m != nil {
		_, config.RTMPPort, _ = net.SplitHostPort(m.rtmp.Addr().String()) // a listener has a port
	}
	config.Records = c.archive.Records
	config.Streams = streams.Directory{Directory: broadcasts.NewDirectory(b.cluster, b.queries)}
	if config.MetricsFrom, err = limit.ParseProxies(c.MetricsFrom); err != nil {
		return nil, fmt.Errorf("--metrics-from: %w", err)
	}
	config.Metrics, config.Checks, config.Proxies = metrics.registry, s.readiness.checks(), proxies
	if s.api, err = api.New(config); err != nil {
		return nil, err
	}
	if slices.Contains(c.Roles, roleAPI) {
		l.run(ctx, "uploads", s.api.Run)
	}
	if slices.Contains(c.Roles, roleRealtime) {
		if s.sockets, err = c.openSockets(ctx, env, b, l, tokens, s.api, limit.Clients{Slots: slots.websockets, Proxies: proxies}); err != nil {
			return nil, err
		}
		s.registerMetrics(metrics)
	}
	s.handler = s.routes(c, m)
	if m != nil {
		s.handler = m.withNodes(s.handler)
	} else if slices.Contains(c.Roles, roleAPI) {
		remote, err := openRecordings(ctx, c, env, b, l, signer, relays)
		if err != nil {
			return nil, err
		}
		s.handler = remote.orElse(s.handler)
	}
	s.http = c.newHTTPServer(s.handler, env, slots)
	s.plain, s.slots = s.http, slots
	if m != nil {
		s.http.RegisterOnShutdown(m.server.Drain)
	}
	registerCertificate(metrics, cert)
	slots.registerMetrics(metrics)
	close(b.opened)
	return s, c.openPprof(ctx, env, l, slots)
}

// routes returns a handler that maps paths to the servers of this process.
func (s *servers) routes(c *config, m *mediaServer) *http.ServeMux {
	mux := http.NewServeMux()
	if slices.Contains(c.Roles, roleAPI) {
		mux.Handle("/", s.api)
		if m != nil {
			mux.Handle(api.RecordingsRoute, m.recordings.orElse(s.api))
			mux.Handle("/"+media.App+"/", m.server) // for the page: it plays streams from its own host
		}
	} else {
		for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
			mux.Handle(path, s.api)
		}
	}
	if s.native != nil {
		mux.Handle("/ws", s.native)
		sockets := cors.AllowOrigins(c.CORSOrigins)(s.socketio)
		mux.Handle(socketio.Path, sockets)
		mux.Handle(strings.TrimSuffix(socketio.Path, "/"), sockets) // WebSocket clients do not follow a redirect
	}
	return mux
}

// run calls serve, which handles HTTP requests until ctx ends and shutdown was called.
func (s *servers) run(ctx context.Context, serve func() error) error {
	if err := serve(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP: %w", err)
	}
	<-ctx.Done()
	return nil
}

// shutdown refuses new requests, asks clients to reconnect later, and waits up to timeout for running requests. Then it
// closes the remaining connections. No acknowledged command is lost.
func (s *servers) shutdown(ctx context.Context, log *slog.Logger, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	s.readiness.stopping.Store(true)
	s.api.Drain()
	var g errgroup.Group
	if s.plain != s.http {
		g.Go(func() error { return s.plain.Shutdown(ctx) })
	}
	g.Go(func() error { return s.http.Shutdown(ctx) }) // does not close hijacked connections, such as WebSockets
	if s.native != nil {
		g.Go(func() error { return s.native.Shutdown(ctx) })
		g.Go(func() error { return s.socketio.Shutdown(ctx) })
	}
	err := g.Wait()
	if errors.Is(err, context.DeadlineExceeded) {
		log.WarnContext(ctx, "drain timeout exceeded, closed the remaining connections", slog.Duration("duration", timeout))
		return errors.Join(s.http.Close(), s.plain.Close())
	}
	return err
}

func (s *servers) registerMetrics(m metrics) {
	registerSocketMetrics(m.dialect("native"), s.native.Stats(), s.native.Lives)
	registerSocketMetrics(m.dialect("socketio"), s.socketio.Stats(), s.socketio.Lives)
	registerDeliveryMetrics(m, s.deliveries.Stats)
	m.gauge("polling_sessions", "Socket.IO clients without a WebSocket connection.", func() float64 { return float64(s.socketio.Polling()) })
}
