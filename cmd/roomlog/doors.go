package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"roomlog/api"
	"roomlog/domain"
	"roomlog/media"
	"roomlog/media/broadcasts"
	"roomlog/realtime"
	"roomlog/realtime/socketio"
	"roomlog/realtime/socketio/engineio"
	"roomlog/realtime/ws"
)

// doors are what clients reach.
type doors struct {
	server    *http.Server
	api       *api.API
	realtime  *realtime.Native // nil without the role, like the next
	socketio  *socketio.Door
	readiness *readiness
}

// openDoors makes the doors on top of the engine. They answer when server serves.
func (c *serveCommand) openDoors(ctx context.Context, h *house, e *engine, l *layers, streams *studio) (*doors, error) {
	proxies, err := api.ParseProxies(c.TrustedProxies)
	if err != nil {
		return nil, err
	}
	tokens, err := api.NewTokens(h.secrets.jwt, c.TokenLife, h.sh.now)
	if err != nil {
		return nil, err
	}
	d := &doors{readiness: &readiness{engine: e, maxLag: c.MaxLag}}
	registry := e.meters()
	signer, err := media.NewSigner(h.secrets.sign, c.SignLife, h.sh.now)
	if err != nil {
		return nil, err
	}
	if streams != nil {
		if err := streams.open(ctx, c, h, e, l, signer, proxies); err != nil {
			return nil, err
		}
		d.readiness.more = append(d.readiness.more, streams.check())
		registry.MustRegister(mediaMetrics{streams.server})
		streams.recordings.meter(metering{registry})
		streams.meterHooks(metering{registry})
	}
	config, err := c.apiConfig(h, e, tokens, signer)
	if err != nil {
		return nil, err
	}
	config.Streams = streamBoard{broadcasts.NewDirectory(e.store, e.queries)}
	if config.MetricsFrom, err = api.ParseProxies(c.MetricsFrom); err != nil {
		return nil, fmt.Errorf("who may read metrics: %w", err)
	}
	config.Metrics, config.Checks, config.Proxies = registry, d.readiness.checks(), proxies
	if d.api, err = api.New(config); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	if slices.Contains(c.Roles, roleAPI) {
		mux.Handle("/", d.api)
		if streams != nil {
			mux.Handle(api.RecordingsRoute, streams.recordings.beside(d.api))
		}
	} else {
		for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
			mux.Handle(path, d.api)
		}
	}
	if slices.Contains(c.Roles, roleRealtime) {
		if err := c.openSockets(ctx, h, e, l, d, tokens, proxies); err != nil {
			return nil, err
		}
		mux.Handle("/ws", d.realtime)
		mux.Handle(socketio.Path, api.AllowOrigins(c.CORSOrigins)(d.socketio))
		meterSockets(metering{registry}.of("native"), d.realtime.Stats(), d.realtime.Lives)
		meterSockets(metering{registry}.of("socketio"), d.socketio.Stats(), d.socketio.Rooms)
		metering{registry}.gauge("polling_sessions", "Socket.IO clients without a WebSocket connection.",
			func() float64 { return float64(d.socketio.Polling()) })
	}
	limit := newConnLimit(c.MaxHTTPConnections, c.MaxConnectionsPerAddress, proxies)
	metering{registry}.gauge("http_connections", "Open HTTP connections, sockets aside.", limit.open)
	d.server = &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: c.HeaderTimeout,
		IdleTimeout:       c.IdleTimeout,
		MaxHeaderBytes:    c.HeaderBytes,
		ConnState:         limit.watch,
		ErrorLog:          slog.NewLogLogger(h.log.Handler(), slog.LevelDebug), // what broken clients do
	}
	return d, c.openPprof(ctx, h, l)
}

func (c *serveCommand) apiConfig(h *house, e *engine, tokens *api.Tokens, signer *media.Signer) (api.Config, error) {
	payments, err := api.NewSharedSecret(h.secrets.payment)
	if err != nil {
		return api.Config{}, err
	}
	zone, err := api.Zone(c.TimeZone)
	if err != nil {
		return api.Config{}, err
	}
	return api.Config{
		Store: e.store, Commands: e.sequencer, Queries: e.queries, Feed: e.feed, Pool: e.pool,
		Tokens: tokens, Signs: signer, Payments: payments, Uploads: filepath.Join(h.data, "uploads"), Now: h.sh.now,
		Log: h.log, Version: version(), Connections: e.connections,
		PublicURL: c.PublicURL, Origins: c.CORSOrigins, Zone: zone, CoinsPerUnit: domain.Coins(c.CoinsPerUnit),
		RequestTimeout: c.RequestTimeout, Settle: c.Settle,
		BodyBytes: c.BodyBytes, BodyTimeout: c.BodyTimeout, UploadBytes: c.UploadBytes, UploadTimeout: c.UploadTimeout,
		SignInsByAddress: c.SignInsPerAddress, SignInsByName: c.SignInsPerName, RegistrationsByAddress: c.RegistrationsPerAddress,
		ChatRooms: c.ChatRooms, GuestChat: c.GuestChat, RoomsByAddress: c.RoomsPerAddress,
		WritesByUser: c.WritesPerUser, UploadsByUser: c.UploadsPerUser, EventStreams: c.EventStreams,
	}, nil
}

// connections asks all processes for theirs.
func (e *engine) connections(ctx context.Context, f api.SocketFilter) (api.Sockets, error) {
	roll, err := realtime.SurveyConnections(ctx, e.store, realtime.SurveyRequest(f))
	all := api.Sockets{Sockets: make([]api.Socket, 0, len(roll.Connections)), Total: roll.Total, Processes: roll.Nodes, Answered: roll.Answered}
	for _, s := range roll.Connections {
		all.Sockets = append(all.Sockets, api.Socket{
			ID: s.ID, Process: s.Node, Dialect: s.Dialect, Users: append([]domain.UserID{}, s.Users...),
			Rooms: liveNames(s.Lives), Address: s.Address, Since: s.Since,
		})
	}
	return all, err
}

// liveNames returns lives as the REST API names them.
func liveNames(lives []domain.LiveID) []string {
	names := make([]string, 0, len(lives))
	for _, live := range lives {
		names = append(names, fmt.Sprintf("live-%d", live))
	}
	return names
}

// openSockets opens the door of the rooms, and that of old clients beside it. Connections of both are counted
// together.
func (c *serveCommand) openSockets(ctx context.Context, h *house, e *engine, l *layers, d *doors, tokens *api.Tokens, proxies api.Proxies) error {
	gate := ws.NewGate(ws.GateConfig{
		Origins: c.CORSOrigins, MaxConns: c.MaxConnections, MaxPerAddress: c.MaxConnectionsPerAddress,
		Address: func(r *http.Request) string { return proxies.ClientAddr(r).String() },
	})
	hub, err := realtime.NewHub(c.hubConfig(h, e, tokens))
	if err != nil {
		return err
	}
	chat, err := realtime.NewChat(c.chatConfig(h, e, hub))
	if err != nil {
		return err
	}
	if d.realtime, err = realtime.NewNative(c.nativeConfig(h, e, hub, chat, gate)); err != nil {
		return err
	}
	if d.socketio, err = socketio.New(c.socketioConfig(h, e, hub, chat, gate)); err != nil {
		return err
	}
	l.run(ctx, "hub", hub.Run)
	l.run(ctx, "chat", chat.Run)
	l.run(ctx, "native", d.realtime.Run)
	l.run(ctx, "socketio", d.socketio.Run)
	return nil
}

func (c *serveCommand) socketioConfig(h *house, e *engine, hub *realtime.Hub, chat *realtime.Chat, gate *ws.Gate) socketio.Config {
	assets := c.Assets
	if assets == "" {
		assets = filepath.Join(h.data, "assets")
	}
	return socketio.Config{
		Hub: hub, Chat: chat, Queries: e.queries, Now: h.sh.now, Log: h.log, Assets: assets,
		Engine: engineio.Config{
			Gate: gate, MaxPayload: c.MaxPayload, MaxPolling: c.MaxPolling, PingInterval: c.PingInterval, PingTimeout: c.PingTimeout,
			BodyTimeout: c.BodyTimeout, FrameRate: c.FrameRate, FrameBurst: c.FrameBurst,
			Sockets: ws.Config{QueueBytes: c.QueueBytes, RestartSpread: c.RestartSpread, FlushWindow: c.window()},
		},
		Guests: c.GuestChat, Listed: c.Listed, Crowd: c.Crowd, Interval: c.ListInterval,
	}
}

func (c *serveCommand) hubConfig(h *house, e *engine, tokens *api.Tokens) realtime.HubConfig {
	return realtime.HubConfig{
		Store: e.store, Commands: e.sequencer, Queries: e.queries, Feed: e.feed, Now: h.sh.now, Log: h.log, Node: e.process,
		Verify: func(token string) (realtime.Identity, error) {
			user, session, err := tokens.Verify(token)
			return realtime.Identity{User: user, Session: session, Expires: tokens.Until(token)}, err
		},
		MaxConnectionsPerUser: c.MaxConnectionsPerUser, MaxLivesPerConnection: c.MaxRoomsPerConnection,
		CommentRate: c.CommentRate, CommentBurst: c.CommentBurst, GiftRate: c.GiftRate, GiftBurst: c.GiftBurst,
		LargeLive: c.Crowd, JoinBatchInterval: c.ListInterval, PresenceGrace: c.PresenceGrace,
	}
}

func (c *serveCommand) chatConfig(h *house, e *engine, hub *realtime.Hub) realtime.ChatConfig {
	return realtime.ChatConfig{
		Hub: hub, Store: e.store, Commands: e.sequencer, Queries: e.queries, Now: h.sh.now, Log: h.log,
		MessageRate: c.MessageRate, MessageBurst: c.MessageBurst, TypingRate: c.TypingRate,
		MaxChatRooms: c.ChatRooms, RoomsPerAddress: c.RoomsPerAddress, Uploads: c.uploads(),
	}
}

func (c *serveCommand) nativeConfig(h *house, e *engine, hub *realtime.Hub, chat *realtime.Chat, gate *ws.Gate) realtime.NativeConfig {
	return realtime.NativeConfig{
		Hub: hub, Chat: chat, Store: e.store, Queries: e.queries, Feed: e.feed, Now: h.sh.now, Log: h.log, Gate: gate,
		Sockets: ws.Config{
			MaxMessage: c.MaxMessage, QueueBytes: c.QueueBytes, HelloTimeout: c.HelloTimeout, PingInterval: c.PingInterval,
			IdleTimeout: c.SocketTimeout, FrameRate: c.FrameRate, FrameBurst: c.FrameBurst, RestartSpread: c.RestartSpread,
			FlushWindow: c.window(), Deflate: c.Deflate,
		},
	}
}

// uploads is how the addresses of uploaded files begin; "" without a public address.
func (c *serveCommand) uploads() string {
	if c.PublicURL == "" {
		return ""
	}
	return strings.TrimRight(c.PublicURL, "/") + "/uploads/"
}

// serve answers requests until the doors are closed.
func (d *doors) serve(ctx context.Context, listener net.Listener) error {
	if err := d.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP: %w", err)
	}
	<-ctx.Done()
	return nil
}

// close lets nobody in any more, tells sockets to come back later, and waits for requests under way; when
// that takes too long it cuts what is left, which loses nothing that was acknowledged.
func (d *doors) close(ctx context.Context, log *slog.Logger, drain time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, drain)
	defer cancel()
	d.readiness.stopping.Store(true)
	d.api.Drain()
	var g errgroup.Group
	g.Go(func() error { return d.server.Shutdown(ctx) }) // knows nothing of sockets
	if d.realtime != nil {
		g.Go(func() error { return d.realtime.Shutdown(ctx) })
		g.Go(func() error { return d.socketio.Shutdown(ctx) })
	}
	err := g.Wait()
	if errors.Is(err, context.DeadlineExceeded) {
		log.WarnContext(ctx, "requests or connections did not end in time and were cut", slog.Duration("after", drain))
		return d.server.Close()
	}
	return err
}

// openPprof serves profiles on an address of their own.
func (c *serveCommand) openPprof(ctx context.Context, h *house, l *layers) error {
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
	server := &http.Server{Handler: mux, ReadHeaderTimeout: c.HeaderTimeout}
	h.log.InfoContext(ctx, "serving profiles", slog.String("addr", listener.Addr().String()))
	l.run(ctx, "profiles", func(ctx context.Context) error {
		context.AfterFunc(ctx, func() { _ = server.Close() })
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve profiles: %w", err)
		}
		return nil
	})
	return nil
}
