package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"
)

// What a process can be for.
const (
	roleAPI       = "api"
	roleRealtime  = "realtime"
	roleProjector = "projector"
	roleMedia     = "media"
)

type serveCommand struct {
	HTTPAddr       string   `name:"http-addr" group:"door" env:"ROOMLOG_HTTP_ADDR" default:":7001" help:"Where to listen for REST and WebSocket; port 0 takes a free one."`
	PublicURL      string   `group:"door" env:"ROOMLOG_PUBLIC_URL" placeholder:"URL" help:"How clients reach this server, like https://live.example, for addresses of what is uploaded. Default: as each request says."`
	TrustedProxies []string `group:"door" env:"ROOMLOG_TRUSTED_PROXIES" default:"127.0.0.0/8,::1/128" help:"Whose X-Forwarded-For gives the client's address, for limits and logs."`
	MetricsFrom    []string `group:"door" env:"ROOMLOG_METRICS_FROM" default:"127.0.0.0/8,::1/128" help:"Who may read /metrics; others find nothing there. Behind a proxy that sets X-Forwarded-For it is the client that counts."`
	CORSOrigins    []string `name:"cors-origins" group:"door" env:"ROOMLOG_CORS_ORIGINS" placeholder:"ORIGIN" help:"Browser origins that may call. Default: any, since no cookie carries a right."`
	Assets         string   `group:"door" env:"ROOMLOG_ASSETS" placeholder:"DIR" help:"A folder with socket.io.js for browser pages; make assets fills one. Default: assets in the data folder."`
	PprofAddr      string   `group:"door" env:"ROOMLOG_PPROF_ADDR" placeholder:"ADDR" help:"Where to serve profiles of this process, like 127.0.0.1:6060. Default: nowhere."`

	TimeZone     string        `group:"house" env:"ROOMLOG_TIME_ZONE" default:"Asia/Shanghai" help:"Of created_time."`
	TokenLife    time.Duration `group:"house" env:"ROOMLOG_TOKEN_LIFE" default:"720h" help:"How long a sign-in is good for."`
	SignLife     time.Duration `group:"house" env:"ROOMLOG_SIGN_LIFE" default:"100000s" help:"How long a stream address is good for."`
	CoinsPerUnit int64         `group:"house" env:"ROOMLOG_COINS_PER_UNIT" default:"10" help:"Coins for one unit of price of a top-up."`
	ChatRooms    int           `group:"house" env:"ROOMLOG_CHAT_ROOMS" default:"200" help:"Chat rooms in all; operators may make more."`
	GuestChat    bool          `group:"house" env:"ROOMLOG_GUEST_CHAT" help:"Let people into the chat without a password: by an e-mail address, or under a name. Whoever says an address is taken for its owner."`

	Roles []string `group:"part" env:"ROOMLOG_ROLES" enum:"api,realtime,media,projector" default:"api,realtime,media,projector" help:"api answers REST, realtime holds sockets, media takes and gives streams, projector moves the tables."`

	rateSettings   `embed:""`
	sizeSettings   `embed:""`
	socketSettings `embed:""`
	mediaSettings  `embed:""`
	recordSettings `embed:""`
	engineSettings `embed:""`
}

// Help implements kong.HelpProvider.
func (serveCommand) Help() string {
	return `Without DATABASE_URL it finds or fetches a PostgreSQL and runs it in the data folder, for itself alone.
Secrets that are not given are made once and kept there.

Examples:

  roomlog serve                                   everything, on port 7001
  roomlog serve --data ./data --http-addr :8080
  DATABASE_URL=postgres://… roomlog serve         several of these on one database are one system; they need
                                                  the same secrets (ROOMLOG_JWT_SECRET, …)

Then: http://localhost:7001/docs for REST, ws://localhost:7001/ws for rooms, /socket.io/ for Socket.IO clients
2.x to 4.x, /readyz, /metrics. Encoders stream to rtmp://localhost:23480/live/KEY?sign=SIGN, players get
http://localhost:23481/live/KEY.flv?sign=SIGN or /live/KEY/index.m3u8?sign=SIGN.
SIGINT or SIGTERM: no new requests, sockets are told to come back, what was accepted is written, PostgreSQL stops
last. A second signal ends the process at once; nothing that was acknowledged is lost.`
}

// Run carries the command out.
func (c *serveCommand) Run(ctx context.Context, g *globals, sh shell) (err error) {
	h, err := g.open(sh)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.HTTPAddr) // first of all: whoever comes meanwhile waits, or another server is here
	if err != nil {
		return fmt.Errorf("listen for HTTP: %w", err)
	}
	defer listener.Close()
	var streams *studio
	if slices.Contains(c.Roles, roleMedia) {
		if streams, err = c.listenForStreams(); err != nil {
			return err
		}
		defer streams.close()
	}
	l := newLayers(h.log)
	defer func() {
		err = errors.Join(err, l.stop())
		h.log.InfoContext(ctx, "stopped")
	}()
	e, err := c.startEngine(ctx, h, l)
	if err != nil {
		return err
	}
	d, err := c.openDoors(ctx, h, e, l, streams)
	if err != nil {
		return err
	}
	l.run(ctx, "http", func(ctx context.Context) error { return d.serve(ctx, listener) })
	h.log.InfoContext(ctx, "listening", slog.String("addr", listener.Addr().String()), slog.Any("roles", c.Roles),
		slog.String("data", h.data), slog.String("version", version()))
	err = l.wait(ctx)
	h.log.InfoContext(ctx, "stopping")
	return errors.Join(err, d.close(context.WithoutCancel(ctx), h.log, c.Drain))
}
