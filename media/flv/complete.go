package flv

import "slices"

// IsComplete reports whether a frame of H.264, HEVC or AV1 consists of complete units, one of which is a slice or a
// tile group. lengthSize is the size in bytes of the length field before each NAL unit. It returns true for frames of
// other codecs, which this package cannot check.
func IsComplete(c Codec, body []byte, lengthSize int) bool {
	const slice, idr, hevcSlices = 1, 5, 32
	match := func(first byte) bool { kind := first & 0x1f; return kind >= slice && kind <= idr }
	switch c {
	case HEVC:
		match = func(first byte) bool { return first>>1&0x3f < hevcSlices }
	case AV1:
		match = func(first byte) bool { kind := first >> 3 & 15; return kind == obuFrame || kind == obuTileGroup }
	case H264:
	default:
		return true
	}
	var units [][]byte
	var err error
	if c == AV1 {
		units, err = SplitOBUs(body)
	} else {
		units, err = AppendNALUs(nil, body, lengthSize)
	}
	return err == nil && slices.ContainsFunc(units, func(unit []byte) bool { return match(unit[0]) })
}
