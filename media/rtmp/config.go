package rtmp

import (
	"cmp"
	"time"
)

// The times that a zero Config means.
const (
	DefaultOpenTime    = 10 * time.Second
	DefaultMessageTime = 15 * time.Second
	DefaultAnswerTime  = 5 * time.Second
	DefaultMediaTime   = 10 * time.Second
	DefaultPing        = 30 * time.Second
	DefaultPingTimeout = 60 * time.Second
)

// Config says how patient connections are. Its zero value needs only a clock.
type Config struct {
	// Now is the clock from which deadlines are counted.
	Now func() time.Time
	// OpenTime is from the first byte to publish or play, however slowly bytes come.
	OpenTime time.Duration
	// MessageTime is for each message of a publisher.
	MessageTime time.Duration
	// AnswerTime is for a client to take an answer, MediaTime for a player to take a batch of frames.
	AnswerTime, MediaTime time.Duration
	// Ping is how often a client is pinged. PingTimeout ends a player that gives no sign of life for so
	// long, and a publisher that sends no media.
	Ping, PingTimeout time.Duration
}

// WithDefaults replaces what is zero.
func (c Config) WithDefaults() Config {
	c.OpenTime = cmp.Or(c.OpenTime, DefaultOpenTime)
	c.MessageTime = cmp.Or(c.MessageTime, DefaultMessageTime)
	c.AnswerTime = cmp.Or(c.AnswerTime, DefaultAnswerTime)
	c.MediaTime = cmp.Or(c.MediaTime, DefaultMediaTime)
	c.Ping = cmp.Or(c.Ping, DefaultPing)
	c.PingTimeout = cmp.Or(c.PingTimeout, DefaultPingTimeout)
	return c
}
