package flvtest

import (
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// WithSubLayers returns a sequence parameter set of HEVC whose sub-layers have the profile and the level of the whole
// stream. The set must have sub-layers without profiles and levels: x265 writes those with temporal-layers=1.
func WithSubLayers(sps []byte) []byte {
	const general, flags = 3, 15 // offsets of the general profile and level, and of the flags
	set := h264.EmulationPreventionRemove(sps)
	layers := int(set[2] >> 1 & 7)
	if layers == 0 || set[flags] != 0 || set[flags+1] != 0 {
		panic("flvtest: no sub-layers, or their profiles are present")
	}
	present := uint16(0xffff) << (16 - 2*layers)
	set = slices.Concat(set[:flags], []byte{byte(present >> 8), byte(present)}, slices.Repeat(set[general:flags], layers), set[flags+2:])
	var out []byte
	for i, b := range set {
		if n := len(out); i >= 2 && b <= 3 && out[n-1] == 0 && out[n-2] == 0 { // a start code
			out = append(out, 3)
		}
		out = append(out, b)
	}
	return out
}
