package record

import (
	"roomlog/media"
	"roomlog/media/flv"
)

const suffixFLV = ".flv"

// flvFile writes the tags as they came, at the times of the part.
type flvFile struct {
	headers      [3]*media.Frame
	video, audio bool
}

func (*flvFile) suffix() string { return suffixFLV }

// takes says no to what the file's head has not announced.
func (f *flvFile) takes(info flv.Info, _ []byte) bool {
	return info.Kind == flv.Video && f.video || info.Kind == flv.Audio && f.audio
}

func (f *flvFile) head() ([]byte, error) {
	b := flv.FileHeader(f.video, f.audio)
	for _, h := range f.headers {
		if h != nil {
			b = append(b, flv.Tag(h.Info().Kind, 0, h.Payload())...)
		}
	}
	return b, nil
}

func (f *flvFile) fragment(frames []placed, _ int64, _ func(error)) (piece, error) {
	if len(frames) == 0 {
		return piece{}, nil
	}
	p := piece{at: frames[0].at, key: !f.video}
	for i, frame := range frames {
		p.bytes = append(p.bytes, flv.Tag(frame.Info().Kind, uint32(frame.at), frame.Payload())...)
		p.key = p.key || i == 0 && frame.Info().Key
	}
	return p, nil
}

func (*flvFile) rate() int64 { return 0 }
