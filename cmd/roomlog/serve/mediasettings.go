package serve

import (
	"time"

	"roomlog/media"
	"roomlog/media/rtmp"
)

// mediaSettings are about streams.
type mediaSettings struct {
	RTMPAddr    string `name:"rtmp-addr" group:"media" env:"ROOMLOG_RTMP_ADDR" default:":23480" help:"Where encoders stream to and RTMP players play from; port 0 takes a free one."`
	FLVAddr     string `name:"flv-addr" group:"media" env:"ROOMLOG_FLV_ADDR" default:":23481" help:"Where players get HTTP-FLV, WS-FLV and HLS; port 0 takes a free one."`
	AllowOrigin string `group:"media" env:"ROOMLOG_ALLOW_ORIGIN" default:"*" help:"What browsers are told may play."`
	AutoLive    bool   `group:"media" env:"ROOMLOG_AUTO_LIVE" help:"A room that has not started goes on air when its stream begins. A pause stays a pause."`

	HookURL     string        `name:"hook-url" group:"media" env:"ROOMLOG_HOOK_URL" placeholder:"URL" help:"Who is asked before connect, publish and play, and told afterwards. Default: nobody."`
	HookTimeout time.Duration `group:"media" env:"ROOMLOG_HOOK_TIMEOUT" default:"3s" help:"For one webhook, below five seconds."`
	HookFailure string        `group:"media" env:"ROOMLOG_HOOK_FAILURE" enum:"reject,allow" default:"reject" help:"What happens to those about whom nobody answers: reject tells them to try again later."`

	Tick          time.Duration `group:"media" env:"ROOMLOG_TICK" default:"40ms" help:"How long frames gather before they are written, up to 100ms: fewer, larger writes. 0: not at all."`
	StreamGrace   time.Duration `group:"media" env:"ROOMLOG_STREAM_GRACE" default:"15s" help:"How long a stream outlives an encoder that was lost, for it to come back. 0: not at all."`
	TakeoverAfter time.Duration `group:"media" env:"ROOMLOG_TAKEOVER_AFTER" default:"3s" help:"How long an encoder must have been silent before its owner may take over from another connection."`
	RTMPPing      time.Duration `name:"rtmp-ping" group:"media" env:"ROOMLOG_RTMP_PING" default:"30s" help:"Between two pings of an RTMP client."`
	RTMPTimeout   time.Duration `name:"rtmp-timeout" group:"media" env:"ROOMLOG_RTMP_TIMEOUT" default:"60s" help:"Without a sign of life, after which an RTMP client counts as lost."`
	GOPBytes      int           `name:"gop-bytes" group:"media" env:"ROOMLOG_GOP_BYTES" default:"16777216" help:"What is kept of one stream for who comes, in bytes: two groups of pictures, unless that is more."`
	GOPFrames     int           `name:"gop-frames" group:"media" env:"ROOMLOG_GOP_FRAMES" default:"4096" help:"The same in frames."`

	MaxStreams             int `group:"media" env:"ROOMLOG_MAX_STREAMS" default:"1000" help:"Streams of this process, with those that somebody waits for."`
	MaxStreamPlayers       int `group:"media" env:"ROOMLOG_MAX_STREAM_PLAYERS" default:"5000" help:"Players of one stream."`
	MaxMediaConnections    int `group:"media" env:"ROOMLOG_MAX_MEDIA_CONNECTIONS" default:"10000" help:"Publishers and players of this process."`
	MaxMediaPerAddress     int `group:"media" env:"ROOMLOG_MAX_MEDIA_PER_ADDRESS" default:"1000" help:"Publishers and players from one address."`
	MaxStrangers           int `group:"media" env:"ROOMLOG_MAX_STRANGERS" default:"1000" help:"RTMP connections of whom nobody knows yet what they want; they have ten seconds."`
	MaxStrangersPerAddress int `group:"media" env:"ROOMLOG_MAX_STRANGERS_PER_ADDRESS" default:"256" help:"The same from one address."`
}

// config is what the settings mean to package media, where a zero means a default.
func (m mediaSettings) config() media.Config {
	return media.Config{
		Tick: orNever(m.Tick), StreamGrace: orNever(m.StreamGrace), TakeoverAfter: m.TakeoverAfter, AllowOrigin: m.AllowOrigin,
		RTMP: rtmp.Config{RTMPPing: m.RTMPPing, RTMPTimeout: m.RTMPTimeout},
		Limits: media.Limits{
			MaxMediaConnections: m.MaxMediaConnections, MaxMediaPerAddress: m.MaxMediaPerAddress, MaxStreamPlayers: m.MaxStreamPlayers, MaxStreams: m.MaxStreams,
			MaxPending: m.MaxStrangers, MaxPendingPerAddress: m.MaxStrangersPerAddress, GOPBytes: m.GOPBytes, GOPFrames: m.GOPFrames,
		},
	}
}

// orNever is what package media takes for none.
func orNever(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}
