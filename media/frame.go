package media

import (
	"sync"

	"roomlog/media/flv"
	"roomlog/media/rtmp"
)

// Frame is one payload of a stream. All players share it, and it never changes.
type Frame struct {
	info     flv.Info
	time     uint32
	tag      []byte // nil in the place of a header that was withdrawn
	readable bool   // whether the frame is a sequence header that package flv can parse

	once   sync.Once
	chunks []byte
}

// NewFrame returns a frame with a payload. kind is one of the kinds of package flv, time is in milliseconds.
func NewFrame(kind byte, time uint32, payload []byte) *Frame {
	return newFrame(flv.Describe(kind, payload), time, payload)
}

func newFrame(info flv.Info, time uint32, payload []byte) *Frame {
	return &Frame{info: info, time: time, tag: flv.Tag(info.Kind, time, payload)}
}

// setTime sets the timestamp of a frame. Call it before other code uses the frame.
func (f *Frame) setTime(time uint32) {
	f.time = time
	flv.SetTime(f.tag, time)
}

// Info returns the description of the payload.
func (f *Frame) Info() flv.Info { return f.info }

// Time returns the timestamp in milliseconds modulo 2^32. Package timeline defines the timestamps of a broadcast.
func (f *Frame) Time() uint32 { return f.time }

// Tag returns the frame as an FLV tag. The caller must not modify it.
func (f *Frame) Tag() []byte { return f.tag }

// Payload returns the bytes that the publisher sent. The caller must not modify them.
func (f *Frame) Payload() []byte { return flv.Payload(f.tag) }

// rtmp returns the frame as RTMP chunks. The first call creates the chunks.
func (f *Frame) rtmp() []byte {
	f.once.Do(func() {
		payload := f.Payload()
		f.chunks = rtmp.AppendMedia(make([]byte, 0, rtmp.MediaSize(len(payload))), f.info.Kind, f.time, payload)
	})
	return f.chunks
}

// isCodedVideo reports whether the frame is a coded picture. Sequence headers are not.
func (f *Frame) isCodedVideo() bool { return f.info.Kind == flv.Video && f.info.Coded }

// isWorseThan compares two sequence headers of the same codec and track. It reports whether package flv can parse
// other but not f.
func (f *Frame) isWorseThan(other *Frame) bool {
	a, b := f.info, other.info
	return a.Header && !f.readable && other.readable && a.Kind == b.Kind && a.Track == b.Track && a.Codec == b.Codec
}

// receivedPayload is a payload that has no time in the broadcast yet.
type receivedPayload struct {
	frame *Frame
	at    uint32 // timestamp of the publisher
	size  flv.Size
	sound flv.Sound
}
