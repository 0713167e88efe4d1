package flv

import (
	"bytes"
	"encoding/binary"
)

// startCode separates NAL units in a byte stream (Annex B of H.264 and HEVC). It never occurs inside a NAL unit.
var startCode = []byte{0, 0, 1}

// RepairUnits returns the NAL units of a picture of H.264 or HEVC with their lengths before them, as FLV requires. Some
// encoders send a byte stream with start codes, in whole or inside a unit. It returns body itself if there is nothing to
// repair. ok is false if the units are truncated.
func RepairUnits(body []byte, lengthSize int) (repaired []byte, ok bool) {
	units, err := AppendNALUs(nil, body, lengthSize)
	switch {
	case err == nil && len(units) == 0:
		return body, false
	case err == nil && !containsStartCode(units):
		return body, true
	case err == nil:
	case bytes.HasPrefix(body, startCode), bytes.HasPrefix(body, append([]byte{0}, startCode...)):
		units = [][]byte{body}
	default:
		return body, false
	}
	var out []byte
	for _, unit := range units {
		for _, part := range splitAtStartCodes(unit) {
			size := binary.BigEndian.AppendUint32(nil, uint32(len(part)))
			if lengthSize < 4 && len(part)>>(8*lengthSize) > 0 {
				return body, false
			}
			out = append(append(out, size[4-lengthSize:]...), part...)
		}
	}
	return out, len(out) > 0
}

func containsStartCode(units [][]byte) bool {
	for _, unit := range units {
		if bytes.Contains(unit, startCode) {
			return true
		}
	}
	return false
}

// splitAtStartCodes returns the NAL units between start codes, without the zeros that may follow a unit.
func splitAtStartCodes(b []byte) (units [][]byte) {
	for _, unit := range bytes.Split(b, startCode) {
		if unit = bytes.TrimRight(unit, "\x00"); len(unit) > 0 && len(units) < maxUnits {
			units = append(units, unit)
		}
	}
	return units
}
