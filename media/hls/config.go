package hls

import (
	"cmp"
	"errors"
	"time"

	"roomlog/media/flv"
)

// The values that a zero Config means.
const (
	// DefaultMinSegment is the least length of a segment; each ends before a key frame. A group of pictures of
	// one second, of which reordering may hide a part, must be enough for one.
	DefaultMinSegment = 800 * time.Millisecond
	// DefaultMinPart is the least length of a part: the latency of a player is three of them.
	DefaultMinPart = 200 * time.Millisecond
	// DefaultSegments is the number of segments in a playlist, the least that low latency allows.
	DefaultSegments = 7
	// DefaultMaxSegment bounds the bytes of a segment, and so of a stream without key frames.
	DefaultMaxSegment = 8 << 20
	// DefaultWaitTimeout is how long a request waits for what is about to be cut.
	DefaultWaitTimeout = 10 * time.Second
	// DefaultMaxWaiting bounds the requests that wait.
	DefaultMaxWaiting = 2000
)

// Config says how a stream is cut. Now and Token are needed.
type Config struct {
	// Now is the clock, for the wall time in playlists.
	Now func() time.Time
	// Token is what the names of files carry as the argument "show", so that their server knows them again.
	Token string
	// Plain leaves out parts, and whatever else low latency needs.
	NoLowLatency bool
	// Segment and Part are the least lengths.
	MinSegment, MinPart time.Duration
	Segments            int
	MaxSegment          int
	WaitTimeout         time.Duration
	MaxWaiting          int
	// Fault is told what was wrong with the stream; nil means nobody is.
	OnError func(error)
}

func (c Config) withDefaults() Config {
	c.MinSegment = cmp.Or(c.MinSegment, DefaultMinSegment)
	c.MinPart = cmp.Or(c.MinPart, DefaultMinPart)
	c.Segments = max(DefaultSegments, c.Segments)
	c.MaxSegment = cmp.Or(c.MaxSegment, DefaultMaxSegment)
	c.WaitTimeout = cmp.Or(c.WaitTimeout, DefaultWaitTimeout)
	c.MaxWaiting = cmp.Or(c.MaxWaiting, DefaultMaxWaiting)
	if c.OnError == nil {
		c.OnError = func(error) {}
	}
	return c
}

// What Write returns when a stream cannot go on.
var (
	ErrCodec      = errors.New("hls: no codec that HLS knows")
	ErrSegmenting = errors.New("hls: the stream cannot be cut")
)

// Frame is what a Muxer cuts: a payload, what it is, and its time in milliseconds.
type Frame interface {
	Info() flv.Info
	Time() uint32
	Payload() []byte
}
