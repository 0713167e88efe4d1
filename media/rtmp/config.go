package rtmp

import (
	"cmp"
	"time"
)

// The times that a zero Config means.
const (
	DefaultHandshakeTimeout = 10 * time.Second
	DefaultMessageTimeout   = 15 * time.Second
	DefaultControlTimeout   = 5 * time.Second
	DefaultMediaTimeout     = 10 * time.Second
	DefaultPingInterval     = 30 * time.Second
	DefaultPingTimeout      = 60 * time.Second
)

// Config says how patient connections are. Its zero value needs only a clock.
type Config struct {
	// Now is the clock from which deadlines are counted.
	Now func() time.Time
	// HandshakeTimeout is from the first byte to publish or play, however slowly bytes come.
	HandshakeTimeout time.Duration
	// MessageTimeout is for each message of a publisher.
	MessageTimeout time.Duration
	// ControlTimeout is for a client to take an answer, MediaTimeout for a player to take a batch of frames.
	ControlTimeout, MediaTimeout time.Duration
	// Ping is how often a client is pinged. RTMPTimeout ends a player that gives no sign of life for so
	// long, and a publisher that sends no media.
	RTMPPing, RTMPTimeout time.Duration
}

// WithDefaults replaces what is zero.
func (c Config) WithDefaults() Config {
	c.HandshakeTimeout = cmp.Or(c.HandshakeTimeout, DefaultHandshakeTimeout)
	c.MessageTimeout = cmp.Or(c.MessageTimeout, DefaultMessageTimeout)
	c.ControlTimeout = cmp.Or(c.ControlTimeout, DefaultControlTimeout)
	c.MediaTimeout = cmp.Or(c.MediaTimeout, DefaultMediaTimeout)
	c.RTMPPing = cmp.Or(c.RTMPPing, DefaultPingInterval)
	c.RTMPTimeout = cmp.Or(c.RTMPTimeout, DefaultPingTimeout)
	return c
}
