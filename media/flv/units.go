package flv

import (
	"encoding/binary"
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"
	"github.com/deepch/vdk/codec/h264parser"
)

const (
	maxSets  = 64      // parameter sets in a header
	maxUnits = 1 << 14 // units in a frame: more than slices and metadata ever make
)

// Of a unit of AV1: its kinds, and bits of its header.
const (
	obuSequenceHeader = 1
	obuDelimiter      = 2
	obuExtension      = 4
	obuSized          = 2
)

// Sets are the parameter sets of H264 or HEVC, the first of each kind, and the size of the lengths that
// stand before the units of a frame.
type Sets struct {
	VPS, SPS, PPS []byte // VPS of HEVC only
	LengthSize    int
}

// SetsOf reads the parameter sets from a sequence header of H264 or HEVC. None of them is empty.
func SetsOf(header []byte) (sets Sets, err error) {
	defer guard(&err)
	info := Describe(Video, header)
	switch {
	case info.Header && info.Codec == H264:
		return parseAVCC(header[info.Body:])
	case info.Header && info.Codec == HEVC:
		return parseHVCC(header[info.Body:])
	}
	return Sets{}, fmt.Errorf("%w: no sequence header of H264 or HEVC", ErrBroken)
}

func parseAVCC(b []byte) (Sets, error) {
	var record h264parser.AVCDecoderConfRecord
	if _, err := record.Unmarshal(b); err != nil {
		return Sets{}, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	if len(record.SPS) == 0 || len(record.PPS) == 0 || len(record.SPS[0]) == 0 || len(record.PPS[0]) == 0 {
		return Sets{}, fmt.Errorf("%w: parameter sets are missing", ErrBroken)
	}
	return Sets{SPS: record.SPS[0], PPS: record.PPS[0], LengthSize: int(record.LengthSizeMinusOne) + 1}, nil
}

// parseHVCC reads the record of HEVC, whose arrays may come in any order.
func parseHVCC(b []byte) (Sets, error) {
	const head, vps, sps, pps = 23, 32, 33, 34
	if len(b) < head {
		return Sets{}, fmt.Errorf("%w: record of %d bytes", ErrBroken, len(b))
	}
	sets := Sets{LengthSize: int(b[21]&3) + 1}
	arrays, b := int(b[22]), b[head:]
	count := 0
	for range arrays {
		if len(b) < 3 {
			return Sets{}, fmt.Errorf("%w: record is cut short", ErrBroken)
		}
		kind, units := b[0]&0x3f, int(binary.BigEndian.Uint16(b[1:]))
		b = b[3:]
		if count += units; count > maxSets {
			return Sets{}, fmt.Errorf("%w: more than %d parameter sets", ErrBroken, maxSets)
		}
		for range units {
			if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
				return Sets{}, fmt.Errorf("%w: record is cut short", ErrBroken)
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
		return Sets{}, fmt.Errorf("%w: parameter sets are missing", ErrBroken)
	}
	return sets, nil
}

// AppendUnits appends the units of a coded frame of H264 or HEVC to dst. Empty ones are left out.
func AppendUnits(dst [][]byte, body []byte, lengthSize int) ([][]byte, error) {
	for n := 0; len(body) > 0; n++ {
		if len(body) < lengthSize || n >= maxUnits {
			return dst, fmt.Errorf("%w: units of a frame", ErrBroken)
		}
		size := 0
		for _, b := range body[:lengthSize] {
			size = size<<8 | int(b)
		}
		body = body[lengthSize:]
		if size > len(body) {
			return dst, fmt.Errorf("%w: unit of %d bytes in %d", ErrBroken, size, len(body))
		}
		if size > 0 {
			dst = append(dst, body[:size])
		}
		body = body[size:]
	}
	return dst, nil
}

// OBUs splits a coded frame of AV1. None of them is empty, and none of them delimits.
func OBUs(body []byte) ([][]byte, error) {
	units, err := obus(body, maxUnits)
	if err != nil {
		return nil, err
	}
	whole := make([][]byte, len(units))
	for i, unit := range units {
		whole[i] = unit.alone()
	}
	return whole, nil
}

// obu is a unit of AV1 inside a frame: its header, and what it holds without the size between them.
type obu struct{ head, body []byte }

// alone is the unit without its size.
func (o obu) alone() []byte {
	b := append(make([]byte, 0, len(o.head)+len(o.body)), o.head...)
	b[0] &^= obuSized
	return append(b, o.body...)
}

// obus splits a frame. If there are more than most units, or a broken one, those before are returned too.
func obus(body []byte, most int) ([]obu, error) {
	var units []obu
	for n := 0; len(body) > 0; n++ {
		if n >= most {
			return units, fmt.Errorf("%w: more than %d units in a frame", ErrBroken, most)
		}
		head := 1
		if body[0]&obuExtension != 0 {
			head = 2
		}
		if body[0]&obuSized == 0 || len(body) <= head {
			return units, fmt.Errorf("%w: unit without a size", ErrBroken)
		}
		var size av1.LEB128
		digits, err := size.Unmarshal(body[head:])
		if err != nil || uint64(len(body)) < uint64(head+digits)+uint64(size) {
			return units, fmt.Errorf("%w: unit is cut short", ErrBroken)
		}
		end := head + digits + int(size)
		if unit := (obu{body[:head], body[head+digits : end]}); obuKind(unit) != obuDelimiter {
			units = append(units, unit)
		}
		body = body[end:]
	}
	return units, nil
}

func obuKind(o obu) byte { return o.head[0] >> 3 & 15 }

// AV1Header is the sequence header unit in a sequence header of AV1.
func AV1Header(header []byte) (obu []byte, err error) {
	defer guard(&err)
	info := Describe(Video, header)
	if !info.Header || info.Codec != AV1 {
		return nil, fmt.Errorf("%w: no sequence header of AV1", ErrBroken)
	}
	return av1SequenceHeader(header[info.Body:])
}

// av1SequenceHeader finds it behind the four bytes of the record.
func av1SequenceHeader(record []byte) ([]byte, error) {
	if len(record) < 5 {
		return nil, fmt.Errorf("%w: record of %d bytes", ErrBroken, len(record))
	}
	units, err := obus(record[4:], maxSets)
	if err != nil {
		return nil, err
	}
	for _, unit := range units {
		if obuKind(unit) == obuSequenceHeader {
			return unit.alone(), nil
		}
	}
	return nil, fmt.Errorf("%w: no sequence header unit", ErrBroken)
}
