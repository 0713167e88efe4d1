package hls

import (
	"errors"
	"net/http"
	"time"

	"roomlog/internal/limit"
	"roomlog/internal/settings"
	"roomlog/media/flv"
)

// TokenArg is the query argument of file references that carries Config.Token.
const TokenArg = "broadcast"

const minSegments = 7 // minimum number of segments in a playlist; low-latency HLS allows no fewer

// Config configures a Muxer. Now and Token are required.
type Config struct {
	// Now returns the current time, for the wall-clock times in playlists.
	Now func() time.Time
	// Token is the value of the query argument TokenArg in file references. The HTTP server finds the muxer of a file
	// by it.
	Token string
	// NoLowLatency turns partial segments and the other features of low-latency HLS off.
	NoLowLatency bool
	// MinSegment is the minimum duration of a segment. A segment ends before a key frame. With the default, every
	// group of pictures of 1 s fills a segment, even if reordered pictures make it appear up to 200 ms shorter.
	MinSegment time.Duration `default:"800ms"`
	// MinPart is the minimum duration of a partial segment. A player stays
	// three partial segments behind the end of the playlist.
	MinPart time.Duration `default:"200ms"`
	// Segments is the number of segments in a playlist, at least 7. A delta update leaves out segments that are more
	// than six target durations old, so it is shorter than the playlist only if the playlist is longer than that. The files
	// of segments that have left the playlist are served while another Segments+1 segments are added. So a track has at most
	// 2×Segments+2 segments in memory, each of at most MaxSegment, and those of the run before.
	Segments int `default:"12"`
	// MaxSegment is the maximum size of a segment of one track in bytes, with 128 bytes for each frame. Further frames are left
	// out until the next segment.
	MaxSegment int `default:"8388608"`
	// WaitTimeout is the maximum time that a request waits for the next segment or part.
	WaitTimeout time.Duration `default:"10s"`
	// Waiting limits the waiting requests, in total and per address; nil means no limit. Above a limit, a new request ends
	// a request that has waited long. Several muxers may share it.
	Waiting *limit.Slots
	// Address returns the address of the client of a request, for Waiting.
	Address func(*http.Request) string
	// OnError is called with errors of single frames, which are skipped; nil means no call.
	OnError func(error)
}

func (c Config) withDefaults() Config {
	settings.Defaults(&c)
	c.Segments = max(minSegments, c.Segments)
	if c.Waiting == nil {
		c.Waiting = limit.NewSlots(0, 0, nil)
	}
	if c.Address == nil {
		c.Address = func(r *http.Request) string { return r.RemoteAddr }
	}
	if c.OnError == nil {
		c.OnError = func(error) {}
	}
	return c
}

// carried are the codecs that HLS carries in fragmented MP4. MP3 is not among them, because few players accept it there.
var carried = []flv.Codec{flv.H264, flv.HEVC, flv.AV1, flv.AAC, flv.Opus}

// ErrTrack is wrapped by an error that OnError gets once for a track that is left out.
var ErrTrack = errors.New("hls: codec that HLS does not carry")

// Errors of Write that end a stream.
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
