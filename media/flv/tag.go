package flv

import "github.com/deepch/vdk/format/flv/flvio"

// The kinds of tags, which are also the types of RTMP messages.
const (
	Audio  = flvio.TAG_AUDIO
	Video  = flvio.TAG_VIDEO
	Script = flvio.TAG_SCRIPTDATA
)

const (
	headSize = flvio.TagHeaderLength
	tailSize = flvio.TagTrailerLength
)

// FileHeader is what a stream of tags begins with. Players wait for the kinds that it announces, so that
// it must announce those that come.
func FileHeader(video, audio bool) []byte {
	var flags byte
	if video {
		flags |= flvio.FILE_HAS_VIDEO
	}
	if audio {
		flags |= flvio.FILE_HAS_AUDIO
	}
	b := make([]byte, flvio.FileHeaderLength+tailSize)
	flvio.FillFileHeader(b, flags)
	return b
}

// Tag is a payload as a tag, with the size behind it that FLV wants there. A payload has less than 16 MiB.
func Tag(kind byte, time uint32, payload []byte) []byte {
	b := make([]byte, headSize+len(payload)+tailSize)
	flvio.FillTagHeader(b, kind, len(payload), int32(time))
	copy(b[headSize:], payload)
	flvio.FillTagTrailer(b[headSize+len(payload):], len(payload))
	return b
}

// Payload is the payload of what Tag made.
func Payload(tag []byte) []byte { return tag[headSize : len(tag)-tailSize] }
