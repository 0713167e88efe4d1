package media

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"roomlog/internal/settings"
	"roomlog/media/hls"
	"roomlog/media/rtmp"
)

// Config configures a Server. Authorizer and Now are required.
type Config struct {
	// Authorizer decides which clients may connect, publish and play.
	Authorizer Authorizer
	// Observer, PlayObserver and ConnectObserver are notified of broadcasts, of players and of RTMP connections. Each
	// may be nil.
	Observer        Observer
	PlayObserver    PlayObserver
	ConnectObserver ConnectObserver
	// Relay provides the streams that are published at other nodes; nil means that there are none.
	Relay RelaySource
	// Now returns the current time.
	Now func() time.Time
	// Log is the logger; nil means slog.Default().
	Log *slog.Logger
	// Address returns the address of an HTTP client; nil means the remote address of the TCP connection.
	Address func(*http.Request) string

	// FFmpeg is the program that decodes snapshots; "" means that there are none.
	FFmpeg string
	// Cover returns the address of the cover of a stream's live, "" if there is none. It may be nil.
	Cover func(ctx context.Context, key string) string

	// Tick is how long frames are collected before they are written. At the default, about three frames are written
	// together, which saves a quarter of the CPU time with 200 players. With more than the maximum, playback would not
	// be smooth.
	Tick time.Duration `default:"40ms" max:"100ms" zero:"every frame is written at once" help:"Time during which frames are collected into one write to a player."`
	// StreamGrace allows an encoder to reconnect. Encoders start to reconnect after about 2 s and may need several
	// attempts.
	StreamGrace time.Duration `default:"15s" max:"10m" zero:"the broadcast ends at once" help:"Time that a lost encoder has to reconnect before its broadcast ends."`
	// TakeoverAfter is the time after which the owner of a stream can replace a connection that the network has
	// dropped.
	TakeoverAfter time.Duration `default:"3s" min:"100ms" max:"1m" help:"Time without media after which the owner of a stream may publish it from another connection."`
	// SettleTime is the time that players of a new stream wait for audio if only video has arrived, or for video if
	// only audio has arrived. They wait four times as long for a kind that has a sequence header.
	SettleTime  time.Duration `default:"800ms"`
	AllowOrigin string        `default:"*" help:"Origin of the web pages that may play streams and recordings, like https://live.example; * permits all. It is sent as Access-Control-Allow-Origin."`

	// RTMP configures RTMP connections. The server sets RTMP.Now to Now.
	RTMP rtmp.Config
	// Limits limits what all connections together may use.
	Limits Limits
	// HLS configures HLS.
	HLS HLSConfig
}

// Limits limits what all connections together may use.
type Limits struct {
	// MaxStreams does not count streams that have only waiting players.
	MaxStreams          int `default:"1000" min:"1" max:"100000" unit:"streams" help:"Maximum number of streams that are published to this process at the same time."`
	MaxStreamPlayers    int `default:"5000" min:"1" max:"1000000" unit:"players" help:"Maximum number of players of one stream at this process."`
	MaxMediaConnections int `default:"10000" min:"1" max:"1000000" unit:"connections" help:"Maximum number of players at this process. A new player takes the place of one that has received nothing yet. Publishers do not count: --max-streams bounds them."`
	// MaxMediaPerAddress is large because mobile networks give many users the same address.
	MaxMediaPerAddress   int `default:"1000" min:"1" max:"1000000" unit:"connections" help:"Maximum number of players, and of publishers, from one address (IPv6: one /64 network)."`
	MaxPending           int `default:"1000" min:"1" max:"1000000" unit:"connections" help:"Maximum number of RTMP connections that have not requested to publish or play yet. Such a connection is closed after 10 s."`
	MaxPendingPerAddress int `default:"256" min:"1" max:"1000000" unit:"connections" help:"Maximum number of RTMP connections from one address that have not requested to publish or play yet."`
	// GOPBytes and GOPFrames are large enough for two groups of pictures of common encoders. Players of a stream with
	// larger groups start without a key frame.
	GOPBytes  int `default:"16777216" min:"65536" max:"1073741824" unit:"bytes" help:"Maximum size of the buffer of one stream. New and slow players start with the frames of the buffer."`
	GOPFrames int `default:"4096" min:"16" max:"1000000" unit:"frames" help:"Maximum number of frames in the buffer of one stream."`
}

// HLSConfig configures HLS.
type HLSConfig struct {
	// Muxer configures the segmenting. The server sets its fields Now, Token and OnError for each stream.
	Muxer hls.Config
	// IdleTimeout is the time without requests after which a play session ends. It is also the time without play
	// sessions after which segmenting stops. Players send requests much more often.
	IdleTimeout time.Duration `default:"30s"`
	// Linger is the time for which files are served after the end of the stream, because players are some seconds
	// behind.
	Linger time.Duration `default:"15s"`
}

// RelaySource provides the streams that are published at other nodes. Package relay implements it; an interface is needed
// because that package uses this one. The methods are called concurrently.
type RelaySource interface {
	// Want is called, and must not block, when a player waits for a stream that has no publisher.
	Want(key string)
	// Await begins to relay a stream if another node has its publisher, and blocks until players can start. It returns
	// an error if no node has the publisher, or if ctx ends.
	Await(ctx context.Context, key string) error
	// KeyFrame returns an FLV file with the newest key frame of a stream that another node publishes.
	KeyFrame(ctx context.Context, key string) ([]byte, error)
}

// CheckSettings returns an error if AllowOrigin is not an origin.
func (c *Config) CheckSettings() error {
	if c.AllowOrigin != "" && !settings.IsOrigin(c.AllowOrigin) {
		return fmt.Errorf("--allow-origin must be * or one origin such as https://live.example, without a path (got %q)", c.AllowOrigin)
	}
	return nil
}

// withDefaults returns the configuration with defaults filled in. It returns an error if a value is missing or out of
// range.
func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Authorizer == nil:
		return c, errors.New("media: Config.Authorizer is required")
	case c.Now == nil:
		return c, errors.New("media: Config.Now is required")
	}
	settings.Defaults(&c)
	if err := settings.Check(&c); err != nil {
		return c, err
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Address == nil {
		c.Address = func(r *http.Request) string { return r.RemoteAddr }
	}
	c.RTMP.Now = c.Now
	return c, nil
}
