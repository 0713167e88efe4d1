package hls

import (
	"errors"
	"time"

	"roomlog/internal/settings"
	"roomlog/media/flv"
)

// TokenArg is the query argument of file references that carries Config.Token.
const TokenArg = "broadcast"

const minSegments = 7 // in a playlist; low-latency HLS allows no fewer

// Config configures a Muxer. Now and Token are required.
type Config struct {
	// Now returns the current time, for the wall-clock times in playlists.
	Now func() time.Time
	// Token is the value of the query argument TokenArg in file references. The HTTP server finds the muxer of a file
	// by it.
	Token string
	// NoLowLatency turns partial segments and the other features of low-latency HLS off.
	NoLowLatency bool
	// MinSegment is the minimum duration of a segment. A segment ends before a key frame. One group of pictures of 1
	// s, part of which reordering may hide, must be enough for a segment.
	MinSegment time.Duration `default:"800ms"`
	// MinPart is the minimum duration of a partial segment. The latency of a player is three partial segments.
	MinPart time.Duration `default:"200ms"`
	// Segments is the number of segments in a playlist, at least 7.
	Segments int `default:"7"`
	// MaxSegment is the maximum size of a segment in bytes. It also limits a stream without key frames.
	MaxSegment int `default:"8388608"`
	// WaitTimeout is the maximum time that a request waits for the next segment or part.
	WaitTimeout time.Duration `default:"10s"`
	// MaxWaiting is the maximum number of waiting requests.
	MaxWaiting int `default:"2000"`
	// OnError is called with errors of single frames, which are skipped; nil means no call.
	OnError func(error)
}

func (c Config) withDefaults() Config {
	settings.Defaults(&c)
	c.Segments = max(minSegments, c.Segments)
	if c.OnError == nil {
		c.OnError = func(error) {}
	}
	return c
}

// The errors of Write that end a stream.
var (
	ErrCodec      = errors.New("hls: the stream has no codec that HLS supports")
	ErrSegmenting = errors.New("hls: the stream cannot be segmented")
)

// Frame is one payload of a stream with its description and its timestamp in milliseconds.
type Frame interface {
	Info() flv.Info
	Time() uint32
	Payload() []byte
}
