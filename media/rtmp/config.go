package rtmp

import (
	"fmt"
	"time"

	"roomlog/internal/settings"
)

// Config holds the timeouts of a connection. Now is required.
type Config struct {
	// Now returns the current time, from which deadlines are computed.
	Now func() time.Time
	// HandshakeTimeout is the time from accepting the connection to publish or play, however slowly bytes arrive.
	HandshakeTimeout time.Duration `default:"10s"`
	// MessageTimeout is the time for each message of a publisher.
	MessageTimeout time.Duration `default:"15s"`
	// ControlTimeout is the time for a client to accept a response, MediaTimeout the time for a player to accept a
	// batch of frames.
	ControlTimeout time.Duration `default:"5s"`
	MediaTimeout   time.Duration `default:"10s"`
	RTMPPing       time.Duration `default:"30s" min:"10ms" max:"10m" help:"Interval between two pings to an RTMP or WS-FLV client."`
	RTMPTimeout    time.Duration `default:"60s" min:"10ms" max:"30m" help:"Time after which an RTMP or WS-FLV player that sends no data, or a publisher that sends no media, is disconnected. It must be longer than the ping interval."`
}

// CheckSettings returns an error if a client that only responds to pings would be disconnected.
func (c *Config) CheckSettings() error {
	if c.RTMPTimeout > 0 && c.RTMPTimeout <= c.RTMPPing {
		return fmt.Errorf("--rtmp-timeout must be longer than --rtmp-ping, %v (got %v)", c.RTMPPing, c.RTMPTimeout)
	}
	return nil
}

// WithDefaults returns c with its zero values replaced by defaults.
func (c Config) WithDefaults() Config {
	settings.Defaults(&c)
	return c
}
