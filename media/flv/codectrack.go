package flv

import (
	"bytes"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg1audio"
)

// Limits of the sequence headers that a CodecTrack keeps.
const (
	maxKeptHeader = 64 << 10 // maximum size of a header that is kept, in bytes
	maxKeptCodecs = 8        // maximum number of codecs of a track whose headers are kept
)

// CodecTrack follows the codec of one track. A malformed payload may look like a sequence header or a frame of another
// codec, and a player that receives it restarts its decoder. Therefore the codec changes only with a frame that a
// decoder can use: a frame after a sequence header of its codec, or a complete frame of MP3. Other codecs without sequence
// headers, unknown codecs and payloads with several tracks are accepted only while the track has no codec. The zero value
// is a track without a codec. It is not safe for concurrent use.
type CodecTrack struct {
	codec    Codec
	enhanced bool             // whether the track has had a payload of enhanced RTMP
	headers  map[Codec][]byte // newest sequence header of each codec that the track has had
	waiting  []byte           // sequence header of another codec, which waits for a frame of that codec
}

// Accept reports whether a payload belongs to the track. If it returns a header, the payload is the first frame of
// another codec, and players need the header first. A sequence header of another codec is not accepted: Accept returns
// it later, with the first frame of its codec.
func (t *CodecTrack) Accept(info Info, payload []byte) (header []byte, ok bool) {
	switch {
	case !info.Header && !info.Coded:
		return nil, true
	case info.Mixed || info.Codec == "":
		return nil, t.codec == ""
	case t.enhanced && info.Kind == Video && isUnofficial(payload[0]):
		return nil, false
	case t.codec == "" || t.codec == info.Codec:
		t.codec, t.enhanced = info.Codec, t.enhanced || info.Kind == Video && payload[0]&0x80 != 0
		if info.Header {
			t.keep(info.Codec, payload)
		} else {
			t.waiting = nil
		}
		return nil, true
	case info.Header:
		if len(payload) <= maxKeptHeader {
			t.waiting = bytes.Clone(payload)
		}
		return nil, false
	case info.Kind == Video && !info.Key:
		return nil, false
	case t.waiting != nil && Describe(info.Kind, t.waiting).Codec == info.Codec:
		header = t.waiting
		t.keep(info.Codec, header)
	case t.headers[info.Codec] != nil:
		header = t.headers[info.Codec]
	case info.Codec != MP3 || !isWholeMP3(payload[info.Body:]):
		return nil, false
	}
	t.codec, t.waiting = info.Codec, nil
	return header, true
}

// keep stores the sequence header of a codec.
func (t *CodecTrack) keep(codec Codec, header []byte) {
	if len(header) > maxKeptHeader || len(t.headers) >= maxKeptCodecs && t.headers[codec] == nil {
		return
	}
	if t.headers == nil {
		t.headers = map[Codec][]byte{}
	}
	t.headers[codec] = bytes.Clone(header)
}

// isWholeMP3 reports whether body begins with a whole frame.
func isWholeMP3(body []byte) bool {
	var h mpeg1audio.FrameHeader
	return h.Unmarshal(body) == nil && len(body) >= h.FrameLen()
}
