package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"

	"github.com/alecthomas/kong"

	"roomlog/cmd/roomlog/cli"
	"roomlog/internal/settings"
)

// Command is `roomlog serve` with its flags, which DeclareFlags adds.
type Command struct {
	Settings kong.Plugins `embed:""`
	config   `kong:"-"`
	flags    settings.Flags
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
		if streams, err = listenForMedia(&c.config); err != nil {
			return err
		}
		defer streams.close()
	}
	l := newLayers(env.log)
	defer func() {
		err = errors.Join(err, l.stop())
		env.log.InfoContext(ctx, "stopped")
	}()
	b, err := startBackend(ctx, &c.config, env, l)
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
	return errors.Join(err, s.shutdown(context.WithoutCancel(ctx), env.log, c.DrainTimeout))
}

// DeclareFlags adds the flags of all settings. It is called once, before the command line is parsed.
func (c *Command) DeclareFlags() {
	c.flags.Add("network", &c.networkSettings)
	c.flags.Add("roles", &c.nodeSettings)
	c.flags.Add("users", &c.userSettings)
	c.flags.Add("users", &c.config.Settings)
	c.flags.Add("users", &c.SignSettings)
	c.flags.Add("users", &c.limits)
	c.flags.Add("api", &c.api)
	c.flags.Add("socket", &c.socketio)
	c.flags.Add("live", &c.hub)
	c.flags.Add("chat", &c.chat)
	c.flags.Add("media", &c.media)
	c.flags.Add("media", &c.broadcasts)
	c.flags.Add("media", &c.hooks)
	c.flags.Add("record", &c.recordSettings)
	c.flags.Add("record", &c.archive)
	c.flags.Add("record", &c.recorder)
	c.flags.Add("log", &c.logSettings)
	c.flags.Add("log", &c.sequencer)
	c.Settings = kong.Plugins{c.flags.Struct()}
}

// AfterApply checks all settings when the command line has been parsed, before anything is opened.
func (c *Command) AfterApply() error {
	if err := c.flags.Apply(); err != nil {
		return err
	}
	c.sequencer.DrainTimeout = c.DrainTimeout
	c.socketio.Engine.BodyTimeout = c.api.BodyTimeout
	c.api.GuestChat, c.api.CORSOrigins = c.GuestChat, c.CORSOrigins
	c.chat.ChatRooms, c.chat.RoomsPerAddress = c.api.ChatRooms, c.api.ChatRoomsPerAddress
	c.broadcasts.LostNodeGrace = c.hub.PresenceGrace
	c.socketio.Engine.Sockets.Origins, c.socketio.GuestChat = c.CORSOrigins, c.GuestChat
	return nil
}
