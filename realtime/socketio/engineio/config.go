package engineio

import (
	"log/slog"
	"time"

	"roomlog/realtime/ws"
)

// Config configures an Engine. The caller sets Open, Now and BodyTimeout. The settings with a default tag must not be
// zero: settings.Defaults fills them.
type Config struct {
	// Open is called for every new session before anything is read from it, and returns its Handler.
	Open func(*Session) Handler
	// Now returns the current time.
	Now func() time.Time
	// Log receives the faults of the engine. Nil: they are not logged.
	Log *slog.Logger
	// Sockets configures connections and queues. Sessions that poll take a slot of its Limiter as connections do. The
	// engine sets Open, Skipped, Now, Log, MaxMessage, HelloTimeout and SocketTimeout, and turns Deflate off.
	Sockets ws.Config

	PingTimeout time.Duration `default:"20s" min:"1s" max:"10m" help:"Time that a Socket.IO client has to respond to a ping."`
	MaxPayload  int           `default:"1000000" min:"1024" max:"16777216" unit:"bytes" help:"Maximum size of a message from a Socket.IO client, and of the body of a POST of a client that polls."`
	MaxPolling  int           `default:"2000" min:"1" max:"100000" unit:"clients" help:"Maximum number of Socket.IO clients without a WebSocket connection. Each of them holds an HTTP connection. At the limit, a new client takes the place of one that has stopped polling."`

	// BacklogBytes is the size in bytes of the queue of a client that polls. When it is full, droppable frames are dropped;
	// at twice the size the session ends. The sessions of a live share its frames.
	BacklogBytes int `default:"1048576"`
	// BodyTimeout is the maximum time to read each 64 KiB of the body of a POST, and to write the response to a GET.
	BodyTimeout time.Duration
	// UpgradeTimeout is the maximum duration of an upgrade from polling to WebSocket.
	UpgradeTimeout time.Duration `default:"10s"`
	// SettleTimeout is the maximum time from the start of a session until Session.Settled is called.
	SettleTimeout time.Duration `default:"45s"`
	// IdleTimeout is the time without a waiting GET after which a session that polls may lose its place to a new
	// client, if no place is free.
	IdleTimeout time.Duration `default:"3s"`
}

// check panics when a dependency or a setting is missing, which is a fault of the caller's code.
func (c *Config) check() {
	if c.Open == nil || c.Now == nil {
		panic("engineio: Config.Open or Config.Now is missing")
	}
	for name, missing := range map[string]bool{
		"PingTimeout": c.PingTimeout <= 0, "MaxPayload": c.MaxPayload <= 0, "MaxPolling": c.MaxPolling <= 0, "BacklogBytes": c.BacklogBytes <= 0,
		"BodyTimeout": c.BodyTimeout <= 0, "UpgradeTimeout": c.UpgradeTimeout <= 0, "SettleTimeout": c.SettleTimeout <= 0, "IdleTimeout": c.IdleTimeout <= 0,
		"Sockets.PingInterval": c.Sockets.PingInterval <= 0,
	} {
		if missing {
			panic("engineio: Config." + name + " is missing: call settings.Defaults first")
		}
	}
}

// sockets returns the configuration of the connections. The engine itself watches their silence.
func (c *Config) sockets() ws.Config {
	s := c.Sockets
	s.Open, s.Now, s.Log = nil, c.Now, c.Log
	s.MaxMessage = c.MaxPayload
	s.HelloTimeout, s.PingInterval, s.SocketTimeout = -1, -1, -1
	s.Skipped = nil   // The protocol has no packet that reports skipped frames.
	s.Deflate = false // Clients offer compression even if they do not keep the decompression window across messages.
	return s
}
