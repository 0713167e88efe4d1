package flv

import (
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/bits"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// checkAVC returns an error if no decoder can use the parameter sets of H.264. It does not check the size of the video.
func (s ParameterSets) checkAVC() error {
	const sps, pps = 7, 8
	const maxPPS, maxSPS = 255, 31 // largest numbers of parameter sets
	if s.SPS[0]&0x9f != sps || s.PPS[0]&0x9f != pps || !ends(s.SPS) || !ends(s.PPS) {
		return fmt.Errorf("%w: parameter sets of H.264", ErrMalformed)
	}
	set, pos := h264.EmulationPreventionRemove(s.PPS[1:]), 0
	number, err := bits.ReadGolombUnsigned(set, &pos)
	if err != nil {
		return fmt.Errorf("%w: picture parameter set: %w", ErrMalformed, err)
	}
	refers, err := bits.ReadGolombUnsigned(set, &pos)
	if err != nil || number > maxPPS || refers > maxSPS {
		return fmt.Errorf("%w: picture parameter set %d for sequence parameter set %d", ErrMalformed, number, refers)
	}
	return nil
}

// checkHEVC returns an error if a parameter set of HEVC has the wrong type or no end, or if the id of a picture parameter set is out of
// range. It does not parse the sequence parameter sets.
func (s ParameterSets) checkHEVC() error {
	const vps, sps, pps = 32, 33, 34
	const maxPPS, maxSPS = 63, 15 // largest numbers of parameter sets
	for kind, set := range map[byte][]byte{vps: s.VPS, sps: s.SPS, pps: s.PPS} {
		if len(set) < 3 || set[0]>>1 != kind || set[1]&7 == 0 || !ends(set) {
			return fmt.Errorf("%w: parameter set %d of HEVC", ErrMalformed, kind)
		}
	}
	if len(s.VPS) < 8 || s.VPS[4] != 0xff || s.VPS[5] != 0xff { // two reserved bytes
		return fmt.Errorf("%w: video parameter set", ErrMalformed)
	}
	var set h265.PPS
	if err := set.Unmarshal(s.PPS); err != nil || set.ID > maxPPS || set.SPSID > maxSPS {
		return fmt.Errorf("%w: picture parameter set %d for sequence parameter set %d", ErrMalformed, set.ID, set.SPSID)
	}
	return nil
}

// ends reports whether a parameter set has the bit that ends it.
func ends(set []byte) bool { return set[len(set)-1] != 0 }
