package media

import (
	"sync"

	"roomlog/media/flv"
	"roomlog/media/rtmp"
)

// Frame is one payload of a stream, which all players share. It never changes.
type Frame struct {
	info flv.Info
	time uint32
	tag  []byte

	once   sync.Once
	chunks []byte
}

// NewFrame is a payload of a kind of package flv, for whoever has a stream from elsewhere.
func NewFrame(kind byte, time uint32, payload []byte) *Frame {
	return newFrame(flv.Describe(kind, payload), time, payload)
}

func newFrame(info flv.Info, time uint32, payload []byte) *Frame {
	return &Frame{info: info, time: time, tag: flv.Tag(info.Kind, time, payload)}
}

// Info says what the frame is.
func (f *Frame) Info() flv.Info { return f.info }

// Time is in milliseconds modulo 2^32. Inside a show it goes on where a lost publisher left it.
func (f *Frame) Time() uint32 { return f.time }

// Tag is the frame as an FLV tag. Nobody may write to it.
func (f *Frame) Tag() []byte { return f.tag }

// Payload is the bytes as the publisher sent them. Nobody may write to them.
func (f *Frame) Payload() []byte { return flv.Payload(f.tag) }

// rtmp is the frame in chunks, made when the first RTMP player needs it.
func (f *Frame) rtmp() []byte {
	f.once.Do(func() {
		payload := f.Payload()
		f.chunks = rtmp.AppendMedia(make([]byte, 0, rtmp.MediaSize(len(payload))), f.info.Kind, f.time, payload)
	})
	return f.chunks
}

// video says whether the frame is a coded picture; sequence headers are none.
func (f *Frame) video() bool { return f.info.Kind == flv.Video && f.info.Coded }
