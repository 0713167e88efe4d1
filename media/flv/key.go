package flv

import "encoding/binary"

const maxLook = 16 // units looked at; a key frame's slice is behind a few parameter sets

// looksKey finds out whether a frame is one to begin with when its publisher does not say so, as some do
// that write enhanced RTMP.
func looksKey(c Codec, body []byte) bool {
	switch c {
	case H264:
		return anyUnit(body, func(first byte) bool { return first&0x1f == 5 })
	case HEVC:
		return anyUnit(body, func(first byte) bool { kind := first >> 1 & 0x3f; return kind >= 16 && kind <= 21 })
	case AV1:
		return startsSequence(body)
	case VP9: // two bits of a mark, two of the profile, then: shown again, and not a key
		return len(body) > 0 && body[0]>>6 == 2 && body[0]&0x0c == 0
	}
	return false
}

func anyUnit(body []byte, fits func(first byte) bool) bool {
	for n := 0; len(body) > 4 && n < maxLook; n++ {
		if size := binary.BigEndian.Uint32(body); size > 0 {
			if fits(body[4]) {
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

// startsSequence says whether one of the first units of AV1 is a sequence header.
func startsSequence(body []byte) bool {
	units, _ := obus(body, maxLook)
	for _, unit := range units {
		if obuKind(unit) == obuSequenceHeader {
			return true
		}
	}
	return false
}
