package flv

import "encoding/binary"

const maxLook = 16 // maximum number of units that are checked; the slice of a key frame follows a few parameter sets

// containsKey reports whether a frame contains a key picture. It is used for publishers of enhanced RTMP that do not
// mark key frames.
func containsKey(c Codec, body []byte) bool {
	switch c {
	case H264:
		return anyNALU(body, func(first byte) bool { return first&0x1f == 5 })
	case HEVC:
		return anyNALU(body, func(first byte) bool { kind := first >> 1 & 0x3f; return kind >= 16 && kind <= 21 })
	case AV1:
		return startsSequence(body)
	case VP9: // first byte: two marker bits, two profile bits, show_existing_frame, frame_type
		return len(body) > 0 && body[0]>>6 == 2 && body[0]&0x0c == 0
	}
	return false
}

// anyNALU reports whether match returns true for the first byte of one of the first maxLook NAL units.
func anyNALU(body []byte, match func(first byte) bool) bool {
	for n := 0; len(body) > 4 && n < maxLook; n++ {
		if size := binary.BigEndian.Uint32(body); size > 0 {
			if match(body[4]) {
				return true
			}
			if uint64(size) > uint64(len(body)-4) {
				return false
			}
			body = body[size:]
		}
		body = body[4:]
	}
	return false
}

// startsSequence reports whether one of the first maxLook OBUs is a sequence header.
func startsSequence(body []byte) bool {
	units, _ := splitOBUs(body, maxLook)
	for _, unit := range units {
		if unit.kind() == obuSequenceHeader {
			return true
		}
	}
	return false
}
