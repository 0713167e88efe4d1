package flv

import (
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/bits"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// Numbering describes how the slices of an H.264 stream number their pictures (ITU-T H.264, section 7.4.3, frame_num). The
// zero value describes a stream whose numbers say nothing about the decoding order.
type Numbering struct{ bits int }

// FrameNumber is the number of a coded picture of H.264.
type FrameNumber struct {
	Value     uint32
	Reference bool // whether later pictures may refer to the picture
	IDR       bool // whether numbering begins anew
	modulus   uint32
}

// ParseNumbering returns the Numbering that a sequence header of H.264 describes. It returns the zero value for streams of
// fields, and for streams whose numbers may have gaps.
func ParseNumbering(header []byte) (n Numbering, err error) {
	defer guard(&err)
	sets, err := ParseParameterSets(header)
	if err != nil {
		return Numbering{}, err
	}
	var sps h264.SPS
	if err := sps.Unmarshal(sets.SPS); err != nil {
		return Numbering{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	const minBits, maxMinus4 = 4, 12
	if !sps.FrameMbsOnlyFlag || sps.GapsInFrameNumValueAllowedFlag || sps.SeparateColourPlaneFlag || sps.Log2MaxFrameNumMinus4 > maxMinus4 {
		return Numbering{}, nil
	}
	return Numbering{minBits + int(sps.Log2MaxFrameNumMinus4)}, nil
}

// FrameNumber returns the number of the picture that begins with body. ok is false if body does not begin a picture
// that the Numbering describes. lengthSize is the size in bytes of the length field before each NAL unit.
func (n Numbering) FrameNumber(body []byte, lengthSize int) (f FrameNumber, ok bool) {
	const slice, partition, idr, maxHead = 1, 2, 5, 24
	if n.bits == 0 {
		return FrameNumber{}, false
	}
	for look := 0; look < maxLook && len(body) > lengthSize; look++ {
		size := 0
		for _, b := range body[:lengthSize] {
			size = size<<8 | int(b)
		}
		body = body[lengthSize:]
		if size > len(body) {
			return FrameNumber{}, false
		}
		unit := body[:size]
		body = body[size:]
		if size == 0 {
			continue
		}
		if kind := unit[0] & 0x1f; kind == slice || kind == partition || kind == idr {
			f = FrameNumber{Reference: unit[0]&0x60 != 0, IDR: kind == idr, modulus: 1 << n.bits}
			f.Value, ok = n.number(h264.EmulationPreventionRemove(unit[1:min(size, maxHead)]))
			return f, ok
		}
	}
	return FrameNumber{}, false
}

// number returns the number in a slice header. ok is false if the slice does not begin a picture.
func (n Numbering) number(slice []byte) (number uint32, ok bool) {
	pos := 0
	first, err := bits.ReadGolombUnsigned(slice, &pos)
	if err != nil || first != 0 {
		return 0, false
	}
	for range 2 { // the type of the slice and its picture parameter set
		if _, err := bits.ReadGolombUnsigned(slice, &pos); err != nil {
			return 0, false
		}
	}
	v, err := bits.ReadBits(slice, &pos, n.bits)
	return uint32(v), err == nil
}

// Follows reports whether the picture may follow the picture before in decoding order.
func (f FrameNumber) Follows(before FrameNumber) bool {
	if f.IDR || f.modulus != before.modulus {
		return true
	}
	expected := before.Value
	if before.Reference {
		expected = (expected + 1) % f.modulus
	}
	return f.Value == expected
}
