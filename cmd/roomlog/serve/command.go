package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"roomlog/cmd/roomlog/cli"
)

// The roles of a process.
const (
	roleAPI       = "api"
	roleRealtime  = "realtime"
	roleProjector = "projector"
	roleMedia     = "media"
)

// Command is `roomlog serve` with its flags.
type Command struct {
	HTTPAddr       string   `name:"http-addr" group:"network" env:"ROOMLOG_HTTP_ADDR" default:":7001" help:"Address for REST and WebSocket; port 0 selects a free port."`
	PublicURL      string   `group:"network" env:"ROOMLOG_PUBLIC_URL" placeholder:"URL" help:"URL by which clients reach this server, like https://live.example, used in the addresses of uploads. Default: the host of each request."`
	TrustedProxies []string `group:"network" env:"ROOMLOG_TRUSTED_PROXIES" default:"127.0.0.0/8,::1/128" help:"Networks of the proxies whose X-Forwarded-For header gives the client's address, for limits and logs."`
	MetricsFrom    []string `group:"network" env:"ROOMLOG_METRICS_FROM" default:"127.0.0.0/8,::1/128" help:"Networks that may read /metrics; others get 404. Behind a trusted proxy the client's address counts."`
	CORSOrigins    []string `name:"cors-origins" group:"network" env:"ROOMLOG_CORS_ORIGINS" placeholder:"ORIGIN" help:"Browser origins that may call. Default: any, because no cookie grants access."`
	Assets         string   `group:"network" env:"ROOMLOG_ASSETS" placeholder:"DIR" help:"Folder with socket.io.js for browser pages; make assets fills one. Default: assets in the data folder."`
	PprofAddr      string   `group:"network" env:"ROOMLOG_PPROF_ADDR" placeholder:"ADDR" help:"Address for profiles of this process, like 127.0.0.1:6060. Default: no profiles."`

	TimeZone     string        `group:"rules" env:"ROOMLOG_TIME_ZONE" default:"Asia/Shanghai" help:"IANA time zone of created_time in API responses."`
	TokenLife    time.Duration `group:"rules" env:"ROOMLOG_TOKEN_LIFE" default:"720h" help:"Time for which a sign-in token is valid."`
	SignLife     time.Duration `group:"rules" env:"ROOMLOG_SIGN_LIFE" default:"100000s" help:"Time for which a signed stream address is valid."`
	CoinsPerUnit int64         `group:"rules" env:"ROOMLOG_COINS_PER_UNIT" default:"10" help:"Coins credited for one currency unit of a top-up."`
	ChatRooms    int           `group:"rules" env:"ROOMLOG_CHAT_ROOMS" default:"200" help:"Chat rooms that users may create in total; operators may create more."`
	GuestChat    bool          `group:"rules" env:"ROOMLOG_GUEST_CHAT" help:"Admit chat users without a password, by an e-mail address or under a name. An address is not verified."`

	Roles []string `group:"roles" env:"ROOMLOG_ROLES" enum:"api,realtime,media,projector" default:"api,realtime,media,projector" help:"Parts that this process runs: api serves REST, realtime serves WebSockets, media receives and sends streams, projector updates the tables."`

	rateSettings   `embed:""`
	sizeSettings   `embed:""`
	socketSettings `embed:""`
	mediaSettings  `embed:""`
	recordSettings `embed:""`
	logSettings    `embed:""`
}

// Help returns the part of the help that follows the summary.
func (Command) Help() string {
	return `Without DATABASE_URL the server runs a private PostgreSQL in the data folder, and downloads one if none is
installed. Secrets that are not given are generated once and kept in the data folder.

Examples:

  roomlog serve                                   all parts, on port 7001
  roomlog serve --data ./data --http-addr :8080
  DATABASE_URL=postgres://… roomlog serve         several nodes on one database form a cluster; they need the
                                                  same secrets (ROOMLOG_JWT_SECRET, …)

REST is documented at http://localhost:7001/docs. WebSocket clients connect to ws://localhost:7001/ws, Socket.IO
clients 2.x to 4.x to /socket.io/. /readyz and /metrics report the state. Encoders publish to
rtmp://localhost:23480/live/KEY?sign=SIGN, players read http://localhost:23481/live/KEY.flv?sign=SIGN or
/live/KEY/index.m3u8?sign=SIGN.
On SIGINT or SIGTERM the server refuses new requests, asks clients to reconnect later, writes what it has accepted, and
stops PostgreSQL last. A second signal ends the process at once; nothing that was acknowledged is lost.`
}

// Run serves until ctx ends or a part fails, and then stops all parts.
func (c *Command) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) (err error) {
	env, err := openEnvironment(g, sh)
	if err != nil {
		return err
	}
	// Ports are taken first: clients that connect during the start wait, and a second server on one port fails early.
	listener, err := net.Listen("tcp", c.HTTPAddr)
	if err != nil {
		return fmt.Errorf("listen for HTTP: %w", err)
	}
	defer listener.Close()
	var streams *mediaServer
	if slices.Contains(c.Roles, roleMedia) {
		if streams, err = listenForMedia(c); err != nil {
			return err
		}
		defer streams.close()
	}
	l := newLayers(env.log)
	defer func() {
		err = errors.Join(err, l.stop())
		env.log.InfoContext(ctx, "stopped")
	}()
	b, err := startBackend(ctx, c, env, l)
	if err != nil {
		return err
	}
	s, err := c.openServers(ctx, env, b, l, streams)
	if err != nil {
		return err
	}
	l.run(ctx, "http", func(ctx context.Context) error { return s.run(ctx, listener) })
	env.log.InfoContext(ctx, "listening", slog.String("address", listener.Addr().String()), slog.Any("roles", c.Roles),
		slog.String("data_dir", env.dataDir), slog.String("version", cli.ReadBuild().String()))
	err = l.wait(ctx)
	env.log.InfoContext(ctx, "stopping")
	return errors.Join(err, s.shutdown(context.WithoutCancel(ctx), env.log, c.Drain))
}
