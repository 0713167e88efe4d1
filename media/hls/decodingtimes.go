package hls

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"roomlog/media/flv"
)

// decodingTimes computes the decoding times of pictures of H.264 and HEVC as gohlslib does. After a picture is lost, gohlslib
// may give a picture a decoding time after its presentation time. Some players then show all later pictures too late. The zero
// value is ready for use.
type decodingTimes struct {
	extractor interface {
		Extract(units [][]byte, pts int64) (int64, error)
	}
}

// earliest returns the time pts at which a picture is shown, but not before its decoding time. Both are in the time scale of
// video.
func (d *decodingTimes) earliest(info flv.Info, units [][]byte, pts int64) int64 {
	switch {
	case d.extractor != nil:
	case !info.Key:
		return pts
	case info.Codec == flv.HEVC:
		e := &h265.DTSExtractor{}
		e.Initialize()
		d.extractor = e
	default:
		e := &h264.DTSExtractor{}
		e.Initialize()
		d.extractor = e
	}
	if dts, err := d.extractor.Extract(units, pts); err == nil { // gohlslib returns the same error
		return max(pts, dts)
	}
	return pts
}
