package engineio

import (
	"log/slog"
	"time"

	"roomlog/realtime/ws"
)

// The defaults of Config.
const (
	DefaultPingInterval   = 25 * time.Second // below the 30 s after which some mobile networks forget a connection
	DefaultPingTimeout    = 20 * time.Second
	DefaultUpgradeTimeout = 10 * time.Second
	DefaultSettleTimeout  = 45 * time.Second
	DefaultBodyTimeout    = 10 * time.Second
	DefaultMaxPayload     = 64 << 10 // a message of people is short; pictures go over HTTP
	DefaultMaxPolling     = 2000     // each costs an open HTTP request
	DefaultFrameRate      = 100      // packets a second, as in the native dialect
	DefaultFrameBurst     = 200
)

// Handler is what the layer above makes of a session. Its methods are called one after another.
type Handler interface {
	// Message is called for every message. The bytes change after Message returned.
	Message(data []byte, binary bool)
	// Closed is called once, after the last message, with the reason as clients name it.
	Closed(reason string)
}

// Config is what an Engine needs and how it behaves. Open and Now are required; of everything else zero means
// the default.
type Config struct {
	// Open is told of every new session, before anything is read from it.
	Open func(*Session) Handler
	// Now is the clock.
	Now func() time.Time
	// Log gets our own faults; nil discards them.
	Log *slog.Logger
	// Gate decides who may connect; sessions that poll count like connections.
	Gate *ws.Gate
	// Sockets is how connections and queues behave. What concerns frames, pings and timeouts is overruled by the
	// fields below.
	Sockets ws.Config

	PingInterval   time.Duration // between two signs of life
	PingTimeout    time.Duration // how much later than that a sign may come
	UpgradeTimeout time.Duration // for an upgrade that was begun
	SettleTimeout  time.Duration // until Session.Settled
	BodyTimeout    time.Duration // until the body of a POST has arrived, or that of an answer has been taken
	MaxPayload     int           // bytes of a message, or of a POST
	MaxPolling     int           // sessions that poll, of all addresses
	FrameRate      float64       // packets a second from one client; below 0: no limit
	FrameBurst     int           // packets at once
}

func (c *Config) setDefaults() {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Gate == nil {
		c.Gate = ws.NewGate(ws.GateConfig{})
	}
	c.PingInterval = orDefault(c.PingInterval, DefaultPingInterval)
	c.PingTimeout = orDefault(c.PingTimeout, DefaultPingTimeout)
	c.UpgradeTimeout = orDefault(c.UpgradeTimeout, DefaultUpgradeTimeout)
	c.SettleTimeout = orDefault(c.SettleTimeout, DefaultSettleTimeout)
	c.BodyTimeout = orDefault(c.BodyTimeout, DefaultBodyTimeout)
	c.MaxPayload = orDefault(c.MaxPayload, DefaultMaxPayload)
	c.MaxPolling = orDefault(c.MaxPolling, DefaultMaxPolling)
	c.FrameRate = orDefault(c.FrameRate, DefaultFrameRate)
	c.FrameBurst = orDefault(c.FrameBurst, DefaultFrameBurst)
}

// sockets is how the connections behave: they are looked after by the engine.
func (c *Config) sockets() ws.Config {
	s := c.Sockets
	s.Now, s.Log, s.Gate = c.Now, c.Log, c.Gate
	s.MaxMessage, s.FrameRate, s.FrameBurst = c.MaxPayload, c.FrameRate, c.FrameBurst
	s.HelloTimeout, s.PingInterval, s.SocketTimeout = -1, -1, -1
	s.Skipped = nil // there is no word for it
	return s
}

// orDefault is value, or fallback if it was left zero.
func orDefault[T int | float64 | time.Duration](value, fallback T) T {
	if value == 0 {
		return fallback
	}
	return value
}
