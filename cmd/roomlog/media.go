package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"

	"roomlog/api"
	"roomlog/media"
	"roomlog/media/broadcasts"
	"roomlog/media/hooks"
)

// studio is the door of streams.
type studio struct {
	server     *media.Server
	stage      *broadcasts.Manager
	hooks      *hooks.Hooks // nil: nobody wants to hear them
	rtmp       net.Listener
	flv        net.Listener
	recordings *recordings // nil: another process has the folder
}

// listenForStreams takes the ports, before anything else is started: whoever comes meanwhile waits.
func (c *serveCommand) listenForStreams() (s *studio, err error) {
	s = &studio{}
	if s.rtmp, err = net.Listen("tcp", c.RTMPAddr); err != nil {
		return nil, fmt.Errorf("listen for RTMP: %w", err)
	}
	if s.flv, err = net.Listen("tcp", c.FLVAddr); err != nil {
		_ = s.rtmp.Close()
		return nil, fmt.Errorf("listen for players: %w", err)
	}
	return s, nil
}

func (s *studio) close() {
	_ = s.rtmp.Close()
	_ = s.flv.Close()
}

// open opens the door on top of the engine. Connections end before shows do, and shows before the log.
func (s *studio) open(ctx context.Context, c *serveCommand, h *house, e *engine, l *layers, signer *media.Signer, proxies api.Proxies) error {
	var err error
	if err := s.openHooks(c, h, e); err != nil {
		return err
	}
	if s.recordings, err = c.openRecordings(ctx, h, e, l, signer); err != nil {
		return err
	}
	s.stage, err = broadcasts.New(broadcasts.Config{
		Store: e.store, Commands: e.sequencer, Queries: e.queries, Feed: e.feed, Signer: signer,
		Node: e.process, Now: h.sh.now, Log: h.log, AutoLive: c.AutoLive, Grace: c.PresenceGrace, OnChange: s.told,
	})
	if err != nil {
		return err
	}
	config := c.mediaSettings.config()
	config.Authorizer, config.Observer = s.stage, s.stage
	if s.hooks != nil {
		config.Authorizer = media.Authorizers{s.stage, s.hooks} // who has no sign is not worth a question
		config.PlayObserver, config.ConnectObserver = s.hooks, s.hooks
		l.run(ctx, "hooks", s.hooks.Run)
	}
	config.Now, config.Log = h.sh.now, h.log
	config.Address = func(r *http.Request) string { return proxies.ClientAddr(r).String() }
	if s.server, err = media.New(config); err != nil {
		return err
	}
	s.stage.Attach(s.server)
	if !slices.Contains(c.Roles, roleRealtime) { // whose door does the same in the same name
		l.run(ctx, "heartbeat", func(ctx context.Context) error { return e.store.Beat(ctx, e.process) })
	}
	l.run(ctx, "stage", s.stage.Run)
	l.run(ctx, "media", s.server.Run)
	l.run(ctx, "rtmp", func(ctx context.Context) error { return s.server.ServeRTMP(ctx, s.rtmp) })
	l.run(ctx, "flv", func(ctx context.Context) error { return s.serveFLV(ctx, c, h, proxies) })
	h.log.InfoContext(ctx, "listening for streams", slog.String("rtmp", s.rtmp.Addr().String()), slog.String("flv", s.flv.Addr().String()))
	return nil
}

// openHooks makes the webhooks, if somebody wants to hear them.
func (s *studio) openHooks(c *serveCommand, h *house, e *engine) (err error) {
	if c.HookURL == "" {
		return nil
	}
	secret, err := openSecret(h.sh.getenv, h.data, "ROOMLOG_HOOK_SECRET", "hook", h.log)
	if err != nil {
		return err
	}
	s.hooks, err = hooks.New(hooks.Config{HookURL: c.HookURL, HookSecret: secret[0], Node: e.process, Now: h.sh.now, Log: h.log,
		AllowOnFailure: c.HookFailure == "allow", HookTimeout: c.HookTimeout})
	return err
}

// told tells the hooks what the log has been told.
func (s *studio) told(ctx context.Context, t broadcasts.Change) {
	s.recordings.told(ctx, t, s.server)
	if s.hooks != nil {
		s.hooks.BroadcastChanged(t.Broadcast, t.Reason, t.Live, t.Position)
	}
}

// serveFLV answers players over HTTP until ctx ends. The connections of those who play are not the HTTP server's.
func (s *studio) serveFLV(ctx context.Context, c *serveCommand, h *house, proxies api.Proxies) error {
	limit := newConnLimit(c.MaxHTTPConnections, c.MaxConnectionsPerAddress, proxies)
	server := &http.Server{
		Handler: s.recordings.beside(s.server), ReadHeaderTimeout: c.HeaderTimeout, IdleTimeout: c.IdleTimeout, MaxHeaderBytes: c.HeaderBytes,
		ConnState: limit.watch, ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(s.flv); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve players: %w", err)
	}
	return nil
}

// check is what /readyz shows of it.
func (s *studio) check() api.Check {
	return api.Check{Name: "media", Ask: func(context.Context) (string, error) {
		now := s.server.Snapshot()
		return fmt.Sprintf("%d publishers, %d players", now.Publishers, now.Players), nil
	}}
}
