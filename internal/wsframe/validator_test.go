package wsframe

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// frame returns a frame of a client whose payload is masked.
func frame(head byte, mask uint32, payload []byte) []byte {
	b := []byte{head}
	switch n := len(payload); {
	case n > 65535:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	case n > 125:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = append(b, 0x80|byte(n))
	}
	b = binary.BigEndian.AppendUint32(b, mask)
	for i, c := range payload {
		b = append(b, c^byte(mask>>(24-8*(i%4))))
	}
	return b
}

// message is a message or a control frame that a reader of frames receives.
type message struct {
	head    byte
	payload []byte
}

// receive returns the messages and control frames in b, and the maximum payload of a frame.
func receive(t *testing.T, b []byte) (messages []message, longest int) {
	t.Helper()
	var open message
	for len(b) > 0 {
		v := Validator{Max: 1 << 30, Deflate: true, Binary: true, fragment: true} // accepts every frame
		for v.have < 2 || int(v.have) < v.headerSize() {
			v.header[v.have] = b[v.have]
			v.have++
		}
		size, n := int(v.have), int(v.length())
		mask, payload := b[size-4:size], slices.Clone(b[size:size+n])
		for i := range payload {
			payload[i] ^= mask[i%4]
		}
		longest = max(longest, n)
		switch head := b[0]; {
		case head&0x0f >= opClose:
			messages = append(messages, message{head, payload})
		case head&0x0f == opContinuation:
			open.payload = append(open.payload, payload...)
		default:
			open = message{head | 0x80, payload}
		}
		if b[0]&0x80 != 0 && b[0]&0x0f < opClose {
			messages = append(messages, open)
		}
		b = b[size+n:]
	}
	return messages, longest
}

// TestSplit checks that a reader gets the messages that the client has sent, in frames of a bounded size, and whole headers only, however
// the input is split into reads.
func TestSplit(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		const maximum = 100_000
		var sent []byte
		for range 1 + random.IntN(4) {
			payload := func() []byte {
				return bytes.Repeat([]byte{byte(random.IntN(256)), 'x', 'y'}, random.IntN(1<<random.IntN(15)+1))
			}
			opcode := byte(opText)
			if random.IntN(3) == 0 {
				opcode |= 0x40 // compressed
			}
			for range random.IntN(3) {
				sent = append(sent, frame(opcode, random.Uint32(), payload())...)
				opcode = opContinuation
				if random.IntN(2) == 0 {
					sent = append(sent, frame(0x80|opPing, random.Uint32(), []byte("ping"))...)
				}
			}
			sent = append(sent, frame(0x80|opcode, random.Uint32(), payload())...)
		}
		want, _ := receive(t, sent)
		v := Validator{Max: 3 * maximum, Deflate: true, Fragment: []int64{4, 4080, 65532}[random.IntN(3)]}
		var passed []byte
		for left, size := sent, 1+random.IntN(1<<random.IntN(16)); len(left) > 0; {
			n := min(size, len(left))
			_, good, inserted, rest, refused := v.Split(left[:n], time.Time{})
			if refused != nil {
				t.Fatal(refused)
			}
			if good+len(rest) > n {
				t.Fatalf("of %d bytes %d are passed on, and %d are left; inserted: %x", n, good, len(rest), inserted)
			}
			passed = append(append(passed, left[:good]...), inserted...)
			left = left[n-len(rest):]
		}
		got, longest := receive(t, passed)
		if !slices.EqualFunc(got, want, func(a, b message) bool { return a.head == b.head && bytes.Equal(a.payload, b.payload) }) {
			t.Fatal("the reader gets other messages than the client has sent")
		}
		if int64(longest) > max(v.Fragment, 4) { // a ping has 4 bytes
			t.Fatalf("a frame has %d bytes, want at most %d", longest, v.Fragment)
		}
	}
}

// TestSplitPassesWholeHeaders checks that a header is passed on when its last byte has arrived.
func TestSplitPassesWholeHeaders(t *testing.T) {
	t.Parallel()
	v := Validator{Max: 1 << 20, Fragment: 4080}
	header := frame(0x80|opText, 7, make([]byte, 1<<20))[:14]
	for _, b := range header[:13] {
		if _, good, inserted, rest, refused := v.Split([]byte{b}, time.Time{}); good+len(inserted)+len(rest) > 0 || refused != nil {
			t.Fatalf("a part of the header is passed on: %d, %x, %x, %v", good, inserted, rest, refused)
		}
	}
	want := []byte{opText, 0x80 | 126, 4080 >> 8, 4080 & 0xff, 0, 0, 0, 7}
	if _, good, inserted, _, _ := v.Split(header[13:], time.Time{}); good != 0 || !bytes.Equal(inserted, want) {
		t.Fatalf("got %d bytes and %x, want %x", good, inserted, want)
	}
}

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
