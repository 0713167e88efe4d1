package flv

import (
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"
)

// Types of open bitstream units (OBUs) of AV1, and bits of their header.
const (
	obuSequenceHeader = 1
	obuDelimiter      = 2
	obuTileGroup      = 4
	obuFrame          = 6
	obuExtension      = 4
	obuSized          = 2
)

// SplitOBUs returns the OBUs of a coded frame of AV1, without temporal delimiters. None of them is empty.
func SplitOBUs(body []byte) ([][]byte, error) {
	units, err := splitOBUs(body, maxUnits)
	if err != nil {
		return nil, err
	}
	whole := make([][]byte, len(units))
	for i, unit := range units {
		whole[i] = unit.withoutSize()
	}
	return whole, nil
}

// obu is an OBU in a frame: its header and its body. The size field between them is left out.
type obu struct{ head, body []byte }

// withoutSize returns the bytes of the OBU without a size field.
func (o obu) withoutSize() []byte {
	b := append(make([]byte, 0, len(o.head)+len(o.body)), o.head...)
	b[0] &^= obuSized
	return append(b, o.body...)
}

// splitOBUs splits a frame into OBUs, without temporal delimiters. If there are more than limit OBUs, or one is
// malformed, it returns an error and the OBUs before.
func splitOBUs(body []byte, limit int) ([]obu, error) {
	var units []obu
	for n := 0; len(body) > 0; n++ {
		if n >= limit {
			return units, fmt.Errorf("%w: more than %d OBUs in a frame", ErrMalformed, limit)
		}
		head := 1
		if body[0]&obuExtension != 0 {
			head = 2
		}
		if body[0]&obuSized == 0 || len(body) <= head {
			return units, fmt.Errorf("%w: OBU without a size", ErrMalformed)
		}
		var size av1.LEB128
		digits, err := size.Unmarshal(body[head:])
		if err != nil || uint64(len(body)) < uint64(head+digits)+uint64(size) {
			return units, fmt.Errorf("%w: truncated OBU", ErrMalformed)
		}
		end := head + digits + int(size)
		if unit := (obu{body[:head], body[head+digits : end]}); unit.kind() != obuDelimiter {
			units = append(units, unit)
		}
		body = body[end:]
	}
	return units, nil
}

func (o obu) kind() byte { return o.head[0] >> 3 & 15 }
