package media

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"roomlog/media/rtmp"
)

// The values that a zero Config means.
const (
	// DefaultTick gathers some three frames into one write: three quarters of the work for 200 players,
	// and no player waits longer than 100 ms between two of them.
	DefaultTick = 40 * time.Millisecond
	// MaxTick keeps the picture smooth.
	MaxTick = 100 * time.Millisecond
	// DefaultTakeoverAfter is how long a publisher must have sent nothing before its owner may take over from a
	// connection that the network has forgotten.
	DefaultTakeoverAfter = 3 * time.Second
	// DefaultStreamGrace bridges an encoder's reconnect, which begins after two seconds and takes a few tries.
	DefaultStreamGrace = 15 * time.Second
	// DefaultSettleTime is how long a stream may take to show that it has both picture and sound.
	DefaultSettleTime = 800 * time.Millisecond
)

// Config is what a Server is made of. Gate and Now are needed; the rest may be zero.
type Config struct {
	// Gate decides who may connect, publish and play.
	Authorizer Authorizer
	// Observer is told of shows; PlayObserver of players, ConnectObserver of RTMP connections.
	Observer        Observer
	PlayObserver    PlayObserver
	ConnectObserver ConnectObserver
	// Now is the clock.
	Now func() time.Time
	// Log takes what an operator should know. nil means slog.Default().
	Log *slog.Logger

	// Tick is how long frames gather before the players of a stream are woken; 0 means the default, below
	// 0 that they are woken at every frame.
	Tick time.Duration
	// Silence is after how long without media a publisher can be taken over.
	TakeoverAfter time.Duration
	// Grace is how long a show outlives a publisher that was lost; below 0 it does not.
	StreamGrace time.Duration
	// Settle is how long a player waits for the second of picture and sound.
	SettleTime time.Duration

	// RTMP says how patient RTMP connections are. Its clock is Now.
	RTMP rtmp.Config
	// Limits bounds what all connections together may take.
	Limits Limits
	// HLS says how HLS is cut.
	HLS HLSConfig
	// Origin is what browsers are told may play; "" means "*", anybody.
	AllowOrigin string
	// Address tells where an HTTP request comes from; nil means the other end of the TCP connection.
	Address func(*http.Request) string
}

func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Authorizer == nil:
		return c, errors.New("media: no gate")
	case c.Now == nil:
		return c, errors.New("media: no clock")
	case c.Tick > MaxTick:
		return c, fmt.Errorf("media: tick %v is longer than %v", c.Tick, MaxTick)
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Address == nil {
		c.Address = func(r *http.Request) string { return r.RemoteAddr }
	}
	c.Tick = max(0, cmp.Or(c.Tick, DefaultTick))
	c.TakeoverAfter = cmp.Or(c.TakeoverAfter, DefaultTakeoverAfter)
	c.StreamGrace = max(0, cmp.Or(c.StreamGrace, DefaultStreamGrace))
	c.SettleTime = cmp.Or(c.SettleTime, DefaultSettleTime)
	c.AllowOrigin = cmp.Or(c.AllowOrigin, "*")
	c.RTMP.Now = c.Now
	c.RTMP = c.RTMP.WithDefaults()
	c.Limits = c.Limits.withDefaults()
	c.HLS = c.HLS.withDefaults()
	return c, nil
}
