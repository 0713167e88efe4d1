package flv

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// HasSubLayers reports whether a sequence parameter set of HEVC describes several temporal layers.
func HasSubLayers(sps []byte) bool { return len(sps) > 2 && sps[2]>>1&7 > 0 }

// WithoutSubLayers returns a sequence parameter set of HEVC without the profiles and levels of its sub-layers (ITU-T
// H.265, section 7.3.3), which the MP4 library cannot parse. They describe what a decoder of fewer temporal layers needs.
// Decoding does not depend on them. WithoutSubLayers returns every other NAL unit, also a malformed one, unchanged.
// It does not change the bytes of unit.
func WithoutSubLayers(unit []byte) []byte {
	const (
		sps         = 33
		flagsAt     = 15 // two bytes after the header of the unit, its first byte, and the general profile and level
		subLayersAt = flagsAt + 2
		profileSize = 11
		hasProfile  = 0xaaaa // flags of the sub-layers that have a profile
		hasLevel    = 0x5555 // flags of the sub-layers that have a level, which takes one byte
	)
	if len(unit) <= subLayersAt || unit[0]>>1 != sps {
		return unit
	}
	maxSubLayers := unit[2] >> 1 & 7 // number of temporal layers minus 1
	set := h264.EmulationPreventionRemove(unit)
	if maxSubLayers == 0 || len(set) <= subLayersAt {
		return unit
	}
	flags := binary.BigEndian.Uint16(set[flagsAt:]) &^ (0xffff >> (2 * maxSubLayers)) // the rest is reserved
	size := profileSize*bits.OnesCount16(flags&hasProfile) + bits.OnesCount16(flags&hasLevel)
	if size == 0 || len(set) <= subLayersAt+size {
		return unit
	}
	return withEmulationPrevention(slices.Concat(set[:flagsAt], []byte{0, 0}, set[subLayersAt+size:]))
}

// withEmulationPrevention inserts the bytes that keep start codes out of a NAL unit (ITU-T H.265, section 7.4.2).
func withEmulationPrevention(unit []byte) []byte {
	out := make([]byte, 0, len(unit)+len(unit)/2)
	zeros := 0
	for _, b := range unit {
		if zeros == 2 && b <= 3 {
			out, zeros = append(out, 3), 0
		}
		if zeros++; b != 0 {
			zeros = 0
		}
		out = append(out, b)
	}
	return out
}
