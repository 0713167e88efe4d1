package flv

import (
	"encoding/binary"
	"fmt"

	"github.com/deepch/vdk/codec/h264parser"
)

const maxSets = 64 // maximum number of parameter sets in a sequence header

// ParameterSets contains the parameter sets of H.264 or HEVC, the first of each kind, and the size in bytes of the
// length field before each NAL unit of a frame.
type ParameterSets struct {
	VPS, SPS, PPS []byte // parameter sets; VPS is set only for HEVC
	LengthSize    int
}

// ParseParameterSets returns the parameter sets in a sequence header of H.264 or HEVC. Every set that the codec needs
// is present. A sequence parameter set of HEVC comes without the profiles and levels of sub-layers.
func ParseParameterSets(header []byte) (sets ParameterSets, err error) {
	defer guard(&err)
	info := Describe(Video, header)
	switch {
	case info.Header && info.Codec == H264:
		return parseAVCC(header[info.Body:])
	case info.Header && info.Codec == HEVC:
		return parseHVCC(header[info.Body:])
	}
	return ParameterSets{}, fmt.Errorf("%w: not a sequence header of H.264 or HEVC", ErrMalformed)
}

// parseAVCC parses the decoder configuration of H.264.
func parseAVCC(b []byte) (ParameterSets, error) {
	if len(b) > 0 && b[0] != 1 {
		return ParameterSets{}, fmt.Errorf("%w: decoder configuration of version %d", ErrMalformed, b[0])
	}
	var record h264parser.AVCDecoderConfRecord
	if _, err := record.Unmarshal(b); err != nil {
		return ParameterSets{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if len(record.SPS) == 0 || len(record.PPS) == 0 || len(record.SPS[0]) == 0 || len(record.PPS[0]) == 0 {
		return ParameterSets{}, fmt.Errorf("%w: parameter sets are missing", ErrMalformed)
	}
	return ParameterSets{SPS: record.SPS[0], PPS: record.PPS[0], LengthSize: int(record.LengthSizeMinusOne) + 1}, nil
}

// parseHVCC parses the decoder configuration of HEVC. The arrays of parameter sets may have any order.
func parseHVCC(b []byte) (ParameterSets, error) {
	const head, vps, sps, pps = 23, 32, 33, 34
	if len(b) < head {
		return ParameterSets{}, fmt.Errorf("%w: decoder configuration of %d bytes", ErrMalformed, len(b))
	}
	if b[0] > 1 { // early encoders write version 0
		return ParameterSets{}, fmt.Errorf("%w: decoder configuration of version %d", ErrMalformed, b[0])
	}
	sets := ParameterSets{LengthSize: int(b[21]&3) + 1}
	arrays, b := int(b[22]), b[head:]
	count := 0
	for range arrays {
		if len(b) < 3 {
			return ParameterSets{}, fmt.Errorf("%w: truncated decoder configuration", ErrMalformed)
		}
		kind, units := b[0]&0x3f, int(binary.BigEndian.Uint16(b[1:]))
		b = b[3:]
		if count += units; count > maxSets {
			return ParameterSets{}, fmt.Errorf("%w: more than %d parameter sets", ErrMalformed, maxSets)
		}
		for range units {
			if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
				return ParameterSets{}, fmt.Errorf("%w: truncated decoder configuration", ErrMalformed)
			}
			size := 2 + int(binary.BigEndian.Uint16(b))
			unit := b[2:size]
			b = b[size:]
			switch {
			case kind == vps && sets.VPS == nil:
				sets.VPS = unit
			case kind == sps && sets.SPS == nil:
				sets.SPS = unit
			case kind == pps && sets.PPS == nil:
				sets.PPS = unit
			}
		}
	}
	if len(sets.VPS) == 0 || len(sets.SPS) == 0 || len(sets.PPS) == 0 {
		return ParameterSets{}, fmt.Errorf("%w: parameter sets are missing", ErrMalformed)
	}
	sets.SPS = WithoutSubLayers(sets.SPS)
	return sets, nil
}

// AppendNALUs appends the NAL units of a coded frame of H.264 or HEVC to dst. It skips empty units.
func AppendNALUs(dst [][]byte, body []byte, lengthSize int) ([][]byte, error) {
	for n := 0; len(body) > 0; n++ {
		if len(body) < lengthSize || n >= maxUnits {
			return dst, fmt.Errorf("%w: NAL units of a frame", ErrMalformed)
		}
		size := 0
		for _, b := range body[:lengthSize] {
			size = size<<8 | int(b)
		}
		body = body[lengthSize:]
		if size > len(body) {
			return dst, fmt.Errorf("%w: NAL unit of %d bytes in %d", ErrMalformed, size, len(body))
		}
		if size > 0 {
			dst = append(dst, body[:size])
		}
		body = body[size:]
	}
	return dst, nil
}
