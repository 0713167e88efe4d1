package ws

import (
	"bytes"
	"encoding/binary"
	"time"
	"unicode/utf8"
)

// The opcodes of RFC 6455, section 5.2.
const (
	opText   = 0x1
	opBinary = 0x2
	opClose  = 0x8
	opPing   = 0x9
	opPong   = 0xA
)

// maxReason is the size of a close reason in bytes: a control frame has at most 125 bytes, and the code takes two of
// them.
const maxReason = 123

// priority is the rule by which a frame that waits for a slow reader is kept, dropped or replaced.
type priority uint8

const (
	reliable  priority = iota // never dropped: gifts, balances, replies
	droppable                 // the oldest are dropped first, and counted: comments
	latest                    // replaced by a newer frame with the same key: gauges
)

// Span is the range of positions that a droppable frame covers: after Prev up to Pos, in one group of frames (a live).
// The spans of consecutive dropped frames are joined, so that a client that receives the joined span sees no gap.
type Span struct {
	Group     int64
	Prev, Pos int64
	Cursor    string // the name of Pos for the client; the package does not interpret it
}

// Frame is a WebSocket frame from server to client. It is encoded once, shared by all connections that it is sent to,
// and immutable.
type Frame struct {
	wire       []byte // header and payload
	priority   priority
	key        string // key of a latest frame
	span       Span   // span of a droppable frame
	recordedAt time.Time
}

// TextFrame returns a reliable text frame: it is delivered, or its connection is closed. It copies payload.
func TextFrame(payload []byte) *Frame { return newFrame(opText, payload) }

// BinaryFrame returns a reliable binary frame. It copies payload.
func BinaryFrame(payload []byte) *Frame { return newFrame(opBinary, payload) }

// DroppableFrame returns a text frame that is dropped when its reader is slow. The reader then receives the joined span
// and the number of dropped frames (see Config.Skipped). It copies payload.
func DroppableFrame(payload []byte, span Span) *Frame {
	f := newFrame(opText, payload)
	f.priority, f.span = droppable, span
	return f
}

// LatestFrame returns a text frame that replaces a waiting frame with the same key, so that a slow reader receives only
// the newest value. It copies payload.
func LatestFrame(payload []byte, key string) *Frame {
	f := newFrame(opText, payload)
	f.priority, f.key = latest, key
	return f
}

// Bundle joins frames that must be delivered directly one after another into one reliable frame.
func Bundle(frames ...*Frame) *Frame { return &Frame{wire: join(nil, frames)} }

// RecordedAt sets the time of the event that a new frame reports, for Stats.PushSeconds, and returns the frame.
func (f *Frame) RecordedAt(at time.Time) *Frame {
	f.recordedAt = at
	return f
}

// Messages yields the payloads of the frame, for transports other than WebSocket. The payload must not be changed.
func (f *Frame) Messages(yield func(payload []byte, binary bool) bool) {
	for rest := f.wire; len(rest) > 0; {
		header, length := 2, int(rest[1])
		switch length {
		case 126:
			header, length = 4, int(binary.BigEndian.Uint16(rest[2:]))
		case 127:
			header, length = 10, int(binary.BigEndian.Uint64(rest[2:]))
		}
		if !yield(rest[header:header+length], rest[0]&0x0f == opBinary) {
			return
		}
		rest = rest[header+length:]
	}
}

// Replace returns the frame with every old replaced by text. It panics unless both have the same length.
func (f *Frame) Replace(old, text string) *Frame {
	if len(old) != len(text) {
		panic("ws: Frame.Replace needs texts of the same length")
	}
	if !bytes.Contains(f.wire, []byte(old)) {
		return f
	}
	other := *f
	other.wire = bytes.ReplaceAll(f.wire, []byte(old), []byte(text))
	return &other
}

// newFrame returns one whole, unmasked, reliable frame.
func newFrame(opcode byte, payload []byte) *Frame {
	return &Frame{wire: appendFrame(make([]byte, 0, 10+len(payload)), opcode, payload)}
}

// closeFrame returns a close frame. It cuts a reason that is too long at the end of a rune.
func closeFrame(code uint16, reason string) *Frame {
	if len(reason) > maxReason {
		cut := maxReason
		for cut > 0 && !utf8.RuneStart(reason[cut]) {
			cut--
		}
		reason = reason[:cut]
	}
	payload := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(reason)), code)
	return newFrame(opClose, append(payload, reason...))
}

// appendFrame appends one whole, unmasked frame to dst. head is the opcode, with reserved bits.
func appendFrame(dst []byte, head byte, payload []byte) []byte {
	const finalFragment = 0x80
	dst = append(dst, finalFragment|head)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, 126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 127), uint64(n))
	}
	return append(dst, payload...)
}

// join appends the bytes of frames to dst, for one write.
func join(dst []byte, frames []*Frame) []byte {
	for _, f := range frames {
		dst = append(dst, f.wire...)
	}
	return dst
}

// size returns the number of bytes of frames.
func size(frames []*Frame) (n int) {
	for _, f := range frames {
		n += len(f.wire)
	}
	return n
}
