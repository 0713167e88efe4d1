package flv

import (
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
)

// RemoveADTS returns the body of an AAC frame without the ADTS header that some encoders put before it. Decoders of FLV do
// not expect that header. It returns body itself if there is none, and an error if the header does not describe exactly
// one frame.
func RemoveADTS(body []byte) ([]byte, error) {
	if len(body) < 2 || body[0] != 0xff || body[1]&0xf6 != 0xf0 { // a raw frame does not begin like this
		return body, nil
	}
	var frames mpeg4audio.ADTSPackets
	if err := frames.Unmarshal(body); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if len(frames) != 1 {
		return nil, fmt.Errorf("%w: %d ADTS frames in one payload", ErrMalformed, len(frames))
	}
	return frames[0].AU, nil
}
