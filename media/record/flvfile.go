package record

import (
	"roomlog/media"
	"roomlog/media/flv"
)

const suffixFLV = ".flv"

// flvFile is a part in FLV. It contains the tags of the frames with the timestamps of the part.
type flvFile struct {
	headers      [3]*media.Frame
	video, audio bool
}

func (*flvFile) suffix() string { return suffixFLV }

// accepts reports whether the header announces the kind of a frame.
func (f *flvFile) accepts(info flv.Info, _ []byte) bool {
	return info.Kind == flv.Video && f.video || info.Kind == flv.Audio && f.audio
}

// header returns the file header and the headers of the stream.
func (f *flvFile) header() ([]byte, error) {
	b := flv.FileHeader(f.video, f.audio)
	for _, h := range f.headers {
		if h != nil {
			b = append(b, flv.Tag(h.Info().Kind, 0, h.Payload())...)
		}
	}
	return b, nil
}

// fragment returns the tags of frames.
func (f *flvFile) fragment(frames []timedFrame, _ int64, _ func(error)) (fragment, error) {
	if len(frames) == 0 {
		return fragment{}, nil
	}
	p := fragment{at: frames[0].at, key: !f.video}
	for i, frame := range frames {
		p.bytes = append(p.bytes, flv.Tag(frame.Info().Kind, uint32(frame.at), frame.Payload())...)
		p.key = p.key || i == 0 && frame.Info().Key
	}
	return p, nil
}

func (*flvFile) timeScale() int64 { return 0 }
