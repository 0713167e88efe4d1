package flv

import "github.com/deepch/vdk/format/flv/flvio"

// The kinds of tags. They are also the types of RTMP messages.
const (
	Audio  = flvio.TAG_AUDIO
	Video  = flvio.TAG_VIDEO
	Script = flvio.TAG_SCRIPTDATA
)

const (
	headSize = flvio.TagHeaderLength
	tailSize = flvio.TagTrailerLength
)

// FileHeader returns the header of an FLV file. It must announce exactly the kinds of tags that follow, because players
// wait for every announced kind.
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

// Tag returns a payload as an FLV tag, followed by the size of the tag. time is in milliseconds. The payload must be
// smaller than 16 MiB.
func Tag(kind byte, time uint32, payload []byte) []byte {
	b := make([]byte, headSize+len(payload)+tailSize)
	flvio.FillTagHeader(b, kind, len(payload), int32(time))
	copy(b[headSize:], payload)
	flvio.FillTagTrailer(b[headSize+len(payload):], len(payload))
	return b
}

// SetTime changes the time of a tag that Tag has built.
func SetTime(tag []byte, time uint32) {
	flvio.FillTagHeader(tag, tag[0], len(Payload(tag)), int32(time))
}

// Time returns the time of a tag.
func Time(tag []byte) uint32 {
	return uint32(tag[4])<<16 | uint32(tag[5])<<8 | uint32(tag[6]) | uint32(tag[7])<<24
}

// Payload returns the payload of a tag that Tag has built.
func Payload(tag []byte) []byte { return tag[headSize : len(tag)-tailSize] }
