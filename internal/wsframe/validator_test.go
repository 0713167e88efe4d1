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

// parseHeader returns the size of the header with which b begins, and the length of the payload that it announces. whole is false if b
// contains a part of the header only.
func parseHeader(b []byte) (size, length int, whole bool) {
	var v Validator
	for v.have < 2 || int(v.have) < v.headerSize() {
		if int(v.have) == len(b) {
			return 0, 0, false
		}
		v.header[v.have] = b[v.have]
		v.have++
	}
	return int(v.have), int(v.length()), true
}

// receive returns the messages and control frames in b, and the maximum payload of a frame. The last two messages may be unfinished:
// a fragmented message, and the frame at whose end b is cut.
func receive(b []byte) (messages []message, longest int) {
	var open message
	for len(b) > 0 {
		size, n, whole := parseHeader(b)
		if !whole {
			break
		}
		longest = max(longest, n)
		ends := b[0]&0x80 != 0 && size+n <= len(b)
		n = min(n, len(b)-size)
		mask, payload := b[size-4:size], slices.Clone(b[size:size+n])
		for i := range payload {
			payload[i] ^= mask[i%4]
		}
		switch head := b[0]; {
		case head&0x0f >= opClose:
			messages = append(messages, message{head, payload})
		case head&0x0f == opContinuation:
			open.payload = append(open.payload, payload...)
		default:
			open = message{head | 0x80, payload}
		}
		if ends && b[0]&0x0f < opClose {
			messages = append(messages, open)
			open = message{}
		}
		b = b[size+n:]
	}
	if open.head != 0 {
		messages = append(messages, open)
	}
	return messages, longest
}

func equal(a, b []message) bool {
	return slices.EqualFunc(a, b, func(a, b message) bool { return a.head == b.head && bytes.Equal(a.payload, b.payload) })
}

// splitter passes on what Validator.Split returns. It checks that all headers are passed on whole, each in one call.
type splitter struct {
	validator Validator
	passed    []byte
	left      int // number of payload bytes until the next header that is passed on
}

// split passes on the frames in b, and returns what Scan returns for them.
func (s *splitter) split(t *testing.T, b []byte) (frames int, refused *Violation) {
	t.Helper()
	for len(b) > 0 {
		more, good, inserted, rest, refused := s.validator.Split(b, time.Time{})
		frames += more
		if good+len(rest) > len(b) {
			t.Fatalf("of %d bytes %d are passed on, and %d are left; inserted: %x", len(b), good, len(rest), inserted)
		}
		out := slices.Concat(b[:good], inserted)
		s.passed = append(s.passed, out...)
		for len(out) > 0 {
			if s.left == 0 {
				size, length, whole := parseHeader(out)
				if !whole {
					t.Fatalf("a part of a header is passed on: %x", out)
				}
				s.left, out = length, out[size:]
			}
			n := min(s.left, len(out))
			s.left, out = s.left-n, out[n:]
		}
		if refused != nil {
			return frames, refused
		}
		b = b[len(b)-len(rest):]
	}
	return frames, nil
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
		want, _ := receive(sent)
		s := splitter{validator: Validator{Max: 3 * maximum, Deflate: true, Fragment: []int64{4, 4080, 65532}[random.IntN(3)]}}
		for read := range slices.Chunk(sent, 1+random.IntN(1<<random.IntN(16))) {
			if _, refused := s.split(t, read); refused != nil {
				t.Fatal(refused)
			}
		}
		got, longest := receive(s.passed)
		if !equal(got, want) {
			t.Fatal("the reader gets other messages than the client has sent")
		}
		if int64(longest) > s.validator.Fragment { // a ping has 4 bytes
			t.Fatalf("a frame has %d bytes, want at most %d", longest, s.validator.Fragment)
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

// FuzzSplit checks that Split accepts and refuses the same frames as Scan, however the input is split into reads, and that it passes on the
// same messages, in frames of a bounded size.
func FuzzSplit(f *testing.F) {
	long := frame(0x80|opText, 7, make([]byte, 500))
	f.Add(long, uint8(3))
	f.Add(long[:400], uint8(255))
	f.Add(slices.Concat(frame(opText, 7, make([]byte, 600)), frame(0x80|opPing, 8, []byte("ping")), frame(0x80, 9, make([]byte, 401))), uint8(100))
	f.Add(slices.Concat(frame(0x80|opText|0x40, 1, make([]byte, 300)), []byte{0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}), uint8(1))
	f.Add([]byte{0x01, 0x80, 0, 0, 0, 0, 0x00, 0xfe, 0x01, 0x00, 0, 0, 0, 0}, uint8(5))
	f.Add(bytes.Repeat([]byte{0x89, 0x80, 0, 0, 0, 0}, 20), uint8(7))
	f.Fuzz(func(t *testing.T, input []byte, cut uint8) {
		const fragment = 128 // no control frame is longer
		scan := Validator{Max: 1000, Deflate: true}
		frames, good, refused := scan.Scan(input, time.Time{})
		s := splitter{validator: Validator{Max: 1000, Deflate: true, Fragment: fragment}}
		var framesSplit int
		var refusedSplit *Violation
		for rest := input; len(rest) > 0 && refusedSplit == nil; {
			n := min(len(rest), int(cut)+1)
			var more int
			more, refusedSplit = s.split(t, rest[:n])
			framesSplit += more
			rest = rest[n:]
		}
		if frames != framesSplit || (refused == nil) != (refusedSplit == nil) || refused != nil && *refused != *refusedSplit {
			t.Fatalf("Scan returns %d frames and %v, Split returns %d and %v", frames, refused, framesSplit, refusedSplit)
		}
		want, _ := receive(input[:good])
		got, longest := receive(s.passed)
		if !equal(got, want) {
			t.Fatalf("the reader gets %x, the client has sent %x", got, want)
		}
		if longest > fragment {
			t.Fatalf("a frame has %d bytes, want at most %d", longest, fragment)
		}
	})
}
