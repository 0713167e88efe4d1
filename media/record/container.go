package record

import (
	"time"

	"roomlog/media"
	"roomlog/media/flv"
)

// timedFrame is a frame with its time in the part and the time of its arrival.
type timedFrame struct {
	*media.Frame
	at        int64 // time in the part in ms
	arrivedAt time.Time
}

func (f timedFrame) isVideo() bool { return f.Info().Kind == flv.Video }

// container is the format of a part. Its output is appended to the file in order.
type container interface {
	suffix() string
	// accepts reports whether the container can store a frame.
	accepts(info flv.Info, body []byte) bool
	// header returns the beginning of the file.
	header() ([]byte, error)
	// fragment encodes frames. The last frame lasts until the time until, in ms in the part. onError is called for
	// frames that are skipped.
	fragment(frames []timedFrame, until int64, onError func(error)) (fragment, error)
	// timeScale returns the time scale of the first track if the header has room for a seek table, otherwise 0.
	timeScale() int64
}

// fragment is a piece of a recording: frames that are encoded in the container format and appended to the file together.
type fragment struct {
	bytes []byte // empty if no frame could be encoded
	at    int64  // time in ms of the first picture, or without video of the first audio frame
	key   bool   // whether a player can start here
}

// bodyOf returns the bytes of a frame that belong to its codec, without the FLV header.
func bodyOf(f *media.Frame) []byte { return f.Payload()[f.Info().Body:] }
