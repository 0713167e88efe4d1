package wsframe

import (
	"bytes"
	"testing"
	"time"
)

// FuzzValidator checks that the decision of the validator does not depend on how the input is split into reads. The
// validator must accept only bytes before the frame that it refuses, and never a length that is negative or above the
// limit.
func FuzzValidator(f *testing.F) {
	f.Add([]byte{0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}, uint8(3))
	f.Add([]byte{0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}, uint8(1))
	f.Add([]byte{0x01, 0x80, 0, 0, 0, 0, 0x00, 0xfe, 0x01, 0x00, 0, 0, 0, 0}, uint8(5))
	f.Add(bytes.Repeat([]byte{0x89, 0x80, 0, 0, 0, 0}, 20), uint8(7))
	f.Fuzz(func(t *testing.T, input []byte, cut uint8) {
		whole := Validator{Max: 1000}
		frames, good, refused := whole.Scan(input, time.Time{})
		if good > len(input) || refused == nil && good != len(input) {
			t.Fatalf("%d of %d bytes are good, violation %v", good, len(input), refused)
		}
		if refused == nil && (whole.left < 0 || whole.left > 1000 || whole.message > 1000) {
			t.Fatalf("the validator has %d bytes left and %d in the message", whole.left, whole.message)
		}
		pieces := Validator{Max: 1000}
		var framesInPieces int
		var refusedInPieces *Violation
		for rest := input; len(rest) > 0 && refusedInPieces == nil; {
			n := min(len(rest), int(cut)+1)
			var more int
			more, _, refusedInPieces = pieces.Scan(rest[:n], time.Time{})
			framesInPieces += more
			rest = rest[n:]
		}
		if frames != framesInPieces || (refused == nil) != (refusedInPieces == nil) || refused != nil && *refused != *refusedInPieces {
			t.Fatalf("in one read %d frames and %v, in pieces %d and %v", frames, refused, framesInPieces, refusedInPieces)
		}
	})
}
