package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os/exec"
	"strings"

	"roomlog/api"
	"roomlog/cmd/roomlog/cli"
	"roomlog/internal/certificate"
	"roomlog/internal/limit"
	"roomlog/media"
	"roomlog/media/broadcasts"
	"roomlog/media/hooks"
	"roomlog/media/relay"
	"roomlog/media/restream"
)

// mediaServer is the server for encoders and players, with the parts that it notifies.
type mediaServer struct {
	server     *media.Server
	broadcasts *broadcasts.Manager
	hooks      *hooks.Hooks // nil if --hook-url is not set
	rtmp       net.Listener
	rtmps      net.Listener // nil if --rtmps-addr is not set
	flv        net.Listener
	internal   net.Listener // nil if --media-internal-addr is not set
	recordings *recordings
	restreams  *broadcasts.Restreams
	pusher     *restream.Pusher
	puller     *relay.Puller
	nodes      http.Handler // serves other nodes; nil if this node serves none
}

// listenForMedia opens the ports. Clients that connect before open wait.
func listenForMedia(c *config) (m *mediaServer, err error) {
	m = &mediaServer{}
	if m.rtmp, err = net.Listen("tcp", c.RTMPAddr); err != nil {
		return nil, fmt.Errorf("listen for RTMP: %w", err)
	}
	if m.flv, err = net.Listen("tcp", c.FLVAddr); err != nil {
		m.close()
		return nil, fmt.Errorf("listen for players: %w", err)
	}
	if c.MediaInternalAddr != "" {
		if m.internal, err = net.Listen("tcp", c.MediaInternalAddr); err != nil {
			m.close()
			return nil, fmt.Errorf("listen for other nodes: %w", err)
		}
	}
	if c.RTMPSAddr != "" {
		if m.rtmps, err = net.Listen("tcp", c.RTMPSAddr); err != nil {
			m.close()
			return nil, fmt.Errorf("listen for RTMPS: %w", err)
		}
	}
	return m, nil
}

func (m *mediaServer) close() {
	for _, one := range []net.Listener{m.rtmp, m.rtmps, m.flv, m.internal} {
		if one != nil {
			_ = one.Close()
		}
	}
}

// open starts the media server on top of the backend. At a stop, connections end before broadcasts, and broadcasts
// before the log.
func (m *mediaServer) open(ctx context.Context, c *config, env *environment, b *backend, l *layers, signer *media.Signer, relays *relays, proxies limit.Proxies, slots connectionSlots, cert *certificate.Source) error {
	var err error
	if err := m.openHooks(c, env, b); err != nil {
		return err
	}
	if m.recordings, err = openRecordings(ctx, c, env, b, l, signer, relays); err != nil {
		return err
	}
	sealer, err := m.openRestreams(c, env, b)
	if err != nil {
		return err
	}
	watched := c.broadcasts
	watched.Restreams, watched.Service = m.restreams, sealer.Service()
	watched.Store, watched.Commands, watched.Queries, watched.Owners, watched.Feed = b.store, b.sequencer, b.queries, b.admission, b.feed
	watched.Cluster, watched.Signer, watched.Now, watched.Log, watched.Tracer = b.cluster, signer, b.now, env.log, b.tracer
	watched.OnChange, watched.Relays = m.broadcastChanged, relays.puller
	m.broadcasts, err = broadcasts.New(watched)
	if err != nil {
		return err
	}
	config := c.media
	config.Authorizer, config.Observer = m.broadcasts, m.broadcasts
	if m.hooks != nil {
		config.Authorizer = media.Authorizers{m.broadcasts, m.hooks} // a publish or play hook is sent only for clients with a valid sign, a connect hook for every client
		config.PlayObserver, config.ConnectObserver = m.hooks, m.hooks
		l.run(ctx, "webhooks", m.hooks.Run)
	}
	config.Now, config.Log, config.Relay = env.sh.Now, env.log, relays.puller
	config.Address = func(r *http.Request) string { return proxies.ClientAddr(r).String() }
	config.FFmpeg, _ = exec.LookPath("ffmpeg") // without it, lists show covers
	config.Cover = func(ctx context.Context, key string) string {
		live, err := b.queries.LiveByStreamKey(ctx, key)
		if err != nil {
			return ""
		}
		return c.coverURL(live.Cover)
	}
	if m.server, err = media.New(config); err != nil {
		return err
	}
	m.broadcasts.Attach(m.server)
	m.pusher.Attach(m.server)
	relays.puller.Attach(m.server)
	m.puller, m.nodes = relays.puller, relays.handler(env, b, signer, m.server, m.recordings.own)
	l.run(ctx, "relays", relays.puller.Run)
	l.run(ctx, "restream targets", m.restreams.Run)
	l.run(ctx, "broadcasts", m.broadcasts.Run)
	l.run(ctx, "media", m.server.Run)
	l.run(ctx, "restreams", m.pusher.Run)
	l.run(ctx, "rtmp", func(ctx context.Context) error { return m.server.ServeRTMP(ctx, m.rtmp) })
	if m.rtmps != nil {
		secure := tls.NewListener(m.rtmps, cert.TLS())
		l.run(ctx, "rtmps", func(ctx context.Context) error { return m.server.ServeRTMP(ctx, secure) })
		env.log.InfoContext(ctx, "listening for RTMPS", slog.String("address", m.rtmps.Addr().String()))
	}
	if m.internal != nil {
		l.run(ctx, "nodes", func(ctx context.Context) error { return m.serveNodes(ctx, c, env, m.nodes, slots, cert) })
	}
	l.run(ctx, "flv", func(ctx context.Context) error { return m.serveFLV(ctx, c, env, slots) })
	env.log.InfoContext(ctx, "listening for RTMP", slog.String("address", m.rtmp.Addr().String()))
	env.log.InfoContext(ctx, "listening for players", slog.String("address", m.flv.Addr().String()))
	return nil
}

// coverURL returns the URL of an uploaded cover for players. It returns "" for covers at other addresses, because anybody could
// make the server redirect to any page with them. The listener for players serves no uploads: without a public URL, the URL
// of an upload is "", too.
func (c *config) coverURL(cover string) string {
	uploads := c.uploadsURL()
	name, upload := strings.CutPrefix(cover, uploadsPath)
	switch {
	case uploads == "":
		return ""
	case upload:
		return uploads + name
	case strings.HasPrefix(cover, uploads):
		return cover
	}
	return ""
}

// openHooks creates the webhooks if HookURL is set.
func (m *mediaServer) openHooks(c *config, env *environment, b *backend) (err error) {
	if c.hooks.HookURL == "" {
		return nil
	}
	secret, err := hookSecret.open(env.sh.Getenv, env.dataDir, env.log)
	if err != nil {
		return err
	}
	config := c.hooks
	config.HookSecret, config.Node, config.Now, config.Log = secret[0], b.node, b.now, env.log
	m.hooks, err = hooks.New(config)
	return err
}

// openRestreams creates the parts that push broadcasts on to restream targets.
func (m *mediaServer) openRestreams(c *config, env *environment, b *backend) (*restream.Sealer, error) {
	sealer, err := restream.NewSealer(env.secrets.sign)
	if err != nil {
		return nil, err
	}
	config := c.restream
	config.Service, config.Now, config.Log, config.RTMP = sealer.Service(), env.sh.Now, env.log, &c.media.RTMP
	if m.pusher, err = restream.New(config); err != nil {
		return nil, err
	}
	m.restreams, err = broadcasts.NewRestreams(broadcasts.RestreamsConfig{Queries: b.queries, Cluster: b.cluster, Sealer: sealer, Pusher: m.pusher, Log: env.log})
	return sealer, err
}

// broadcastChanged notifies the restreams, the recordings and the webhooks of a change that is in the log.
func (m *mediaServer) broadcastChanged(ctx context.Context, change broadcasts.Change) {
	m.restreams.BroadcastChanged(change)
	m.recordings.broadcastChanged(ctx, change, m.server)
	if m.hooks != nil {
		m.hooks.BroadcastChanged(change.Broadcast, change.Reason, change.Live, change.Position)
	}
}

// serveFLV serves players over HTTP until ctx ends. The media server closes the connections of players itself.
func (m *mediaServer) serveFLV(ctx context.Context, c *config, env *environment, slots connectionSlots) error {
	server := c.newHTTPServer(m.withNodes(m.recordings.orElse(m.server)), env, slots)
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(m.flv); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve players: %w", err)
	}
	return nil
}

// serveNodes serves other nodes on the listener for them, until ctx ends.
func (m *mediaServer) serveNodes(ctx context.Context, c *config, env *environment, handler http.Handler, slots connectionSlots, cert *certificate.Source) error {
	server := c.newHTTPServer(handler, env, slots)
	server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){} // a stream takes over its connection, which HTTP/2 does not permit
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	listener := m.internal
	if c.internalTLS() {
		listener = tls.NewListener(listener, cert.TLS("http/1.1"))
	}
	env.log.InfoContext(ctx, "listening for other nodes", slog.String("address", m.internal.Addr().String()))
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve other nodes: %w", err)
	}
	return nil
}

// withNodes returns a handler that passes the requests of other nodes to m.nodes, and all others to next. The addresses for players
// serve other nodes only if those have no address of their own.
func (m *mediaServer) withNodes(next http.Handler) http.Handler {
	if m.nodes == nil || m.internal != nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, relay.Path) {
			m.nodes.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// check returns the check of the media server for /readyz.
func (m *mediaServer) check() api.Check {
	return api.Check{Name: "media", Run: func(context.Context) (string, error) {
		now := m.server.Snapshot()
		return cli.Count(now.Publishers, "publisher") + ", " + cli.Count(now.Players, "player"), nil
	}}
}
