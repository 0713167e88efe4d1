package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"

	"github.com/alecthomas/kong"

	"roomlog/cmd/roomlog/cli"
	"roomlog/internal/settings"
)

// Command is the command "roomlog serve". AddSettings adds its settings, and DeclareFlags their flags.
type Command struct {
	Settings kong.Plugins `embed:""`
	config   `kong:"-"`
	flags    settings.Flags
}

// Help returns the part of the help that follows the summary.
func (Command) Help() string {
	return `Without DATABASE_URL the server runs a private PostgreSQL in the data folder, and downloads one if none is
installed. The server generates a secret that is not set, once, and keeps it in the data folder. roomlog --help lists the
variables of the secrets.

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
stops PostgreSQL last. A second signal ends the process at once; nothing that was acknowledged is lost.

In the list of flags, "(bytes; 1024 to 16777216; 0: no limit)" names the unit, the permitted values, and the meaning of 0.
Durations are written like 500ms, 30s, 10m or 24h. Lists are separated by commas.`
}

// Run serves until ctx ends or a part fails, and then stops all parts.
func (c *Command) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) (err error) {
	env, err := openEnvironment(g, sh)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, env.close()) }()
	// Ports are taken first: clients that connect during the start wait, and a second server on one port fails early.
	listener, err := net.Listen("tcp", c.HTTPAddr)
	if err != nil {
		return fmt.Errorf("listen for HTTP: %w", err)
	}
	defer listener.Close()
	var secure net.Listener
	if c.HTTPSAddr != "" {
		if secure, err = net.Listen("tcp", c.HTTPSAddr); err != nil {
			return fmt.Errorf("listen for HTTPS: %w", err)
		}
		defer secure.Close()
	}
	var streams *mediaServer
	if slices.Contains(c.Roles, roleMedia) {
		if streams, err = listenForMedia(&c.config); err != nil {
			return err
		}
		defer streams.close()
	}
	l := newLayers(env.log)
	defer func() {
		sh.Report(err) // the cause comes before its consequences
		stopErr := l.stop()
		sh.Report(stopErr)
		err = errors.Join(err, stopErr)
		env.log.InfoContext(ctx, "stopped")
	}()
	b, err := startBackend(ctx, &c.config, env, l)
	if err != nil {
		return err
	}
	cert, err := c.openCertificate(ctx, env, l)
	if err != nil {
		return err
	}
	s, err := c.openServers(ctx, env, b, l, streams, cert)
	if err != nil {
		return err
	}
	if cert != nil {
		c.secure(s, env, cert, secure)
	}
	if secure != nil {
		l.run(ctx, "https", func(ctx context.Context) error {
			return s.run(ctx, func() error { return s.http.ServeTLS(secure, "", "") })
		})
		env.log.InfoContext(ctx, "listening for HTTPS", slog.String("address", secure.Addr().String()))
	}
	l.run(ctx, "http", func(ctx context.Context) error {
		return s.run(ctx, func() error { return s.plain.Serve(listener) })
	})
	env.log.InfoContext(ctx, "listening", slog.String("address", listener.Addr().String()), slog.Any("roles", c.Roles),
		slog.String("data_dir", env.dataDir), slog.Int("pid", os.Getpid()), slog.String("version", cli.ReadBuild().String()))
	err = l.wait(ctx)
	env.log.InfoContext(ctx, "stopping")
	return errors.Join(err, s.shutdown(context.WithoutCancel(ctx), env.log, c.DrainTimeout))
}

// AddSettings adds all settings. It is called once, before all other functions.
func (c *Command) AddSettings() {
	for _, one := range c.groups() {
		c.flags.Add(one.name, one.config)
	}
}

// DeclareFlags declares the flags of all settings. It is called once, before a command line that selects the command is parsed.
func (c *Command) DeclareFlags() { c.Settings = kong.Plugins{c.flags.Struct()} }

// group is a Config whose settings the help lists under a heading.
type group struct {
	name   string
	config any
}

// groups returns the Configs with settings, in the order of the help.
func (c *config) groups() []group {
	return []group{
		{"network", &c.networkSettings},
		{"network", &c.certificate},
		{"roles", &c.nodeSettings},
		{"roles", &c.nats},
		{"users", &c.userSettings},
		{"users", &c.Settings},
		{"users", &c.SignSettings},
		{"users", &c.limits},
		{"api", &c.api},
		{"socket", &c.socketio},
		{"live", &c.hub},
		{"chat", &c.chat},
		{"chat", &c.chatRoomSettings},
		{"api", &c.uploadSettings},
		{"api", &c.webhooks},
		{"media", &c.media},
		{"media", &c.broadcasts},
		{"media", &c.hooks},
		{"media", &c.relaySettings},
		{"media", &c.restream},
		{"record", &c.recordSettings},
		{"record", &c.archive},
		{"record", &c.recorder},
		{"log", &c.logSettings},
		{"log", &c.sequencer},
		{"log", &c.WitnessSettings},
		{"traces", &c.traces},
	}
}

// Values returns all settings with a flag and their sources.
func (c *Command) Values(s settings.Sources) []settings.Sourced { return c.flags.Values(s) }

// FlagNames returns the names of the flags of all settings, without dashes.
func (c *Command) FlagNames() []string { return c.flags.Names() }

// Variables returns the names of the environment variables of all settings.
func (c *Command) Variables() []string {
	var names []string
	for _, s := range c.Values(nil) {
		names = append(names, s.Env())
	}
	return names
}

// CheckSettings checks all settings, and the variables with secrets and addresses, when the command line has been parsed. It
// returns all faults as one joined error, before anything is opened or created.
func (c *Command) CheckSettings(sh cli.Shell) error {
	if err := errors.Join(c.flags.Apply(sh.Sources.Of), c.check(sh)); err != nil {
		return err
	}
	c.sequencer.DrainTimeout = c.DrainTimeout
	c.socketio.Engine.BodyTimeout = c.api.BodyTimeout
	c.api.GuestChat, c.api.CORSOrigins = c.GuestChat, c.CORSOrigins
	c.chat.ChatRooms = c.api.ChatRooms
	c.broadcasts.LostNodeGrace = c.hub.PresenceGrace
	c.socketio.Engine.Sockets.Origins, c.socketio.GuestChat = c.CORSOrigins, c.GuestChat
	return nil
}
