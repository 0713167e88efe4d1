package hls

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"roomlog/media/flv"
)

// decodingTimes computes the decoding times of pictures of H.264 and HEVC from the order in which they are shown, because some
// encoders send the pictures with the times at which they are shown. For a picture of which the order is unknown, and for HEVC
// with temporal sub-layers, the time of its message counts. The zero value is ready for use.
type decodingTimes struct {
	extractor interface {
		Extract(units [][]byte, pts int64) (int64, error)
	}
	last int64 // decoding time of the newest picture
	set  bool
}

// next returns when a picture is decoded and when it is shown. Decoding times never step back, and no picture is shown before
// it is decoded: some players would show all later pictures too late. sent is the time of the message, shown the time at which
// the message says that the picture is shown. All times are in the time scale of video.
func (d *decodingTimes) next(codec flv.Codec, units [][]byte, layers bool, sent, shown int64) (decoded, pts int64) {
	if d.extractor == nil && codec == flv.H264 {
		e := &h264.DTSExtractor{}
		e.Initialize()
		d.extractor = e
	}
	if d.extractor == nil && codec == flv.HEVC && !layers {
		e := &h265.DTSExtractor{}
		e.Initialize()
		d.extractor = e
	}
	decoded = min(sent, shown)
	if d.extractor != nil {
		if at, err := d.extractor.Extract(units, shown); err == nil {
			decoded = at
		}
	}
	if d.set {
		decoded = max(decoded, d.last)
	}
	d.last, d.set = decoded, true
	return decoded, max(decoded, shown)
}
