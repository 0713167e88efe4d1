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

// maxReason is the maximum size of a close reason in bytes. A control frame has at most 125 bytes, and the code takes
// two of them.
const maxReason = 123

// priority defines whether a frame that waits for a slow reader is kept, dropped or replaced.
type priority uint8

const (
	reliable  priority = iota // never dropped, such as gifts, balances and replies
	droppable                 // counted and dropped, the oldest first, such as comments
	latest                    // replaced by a newer frame with the same key, such as gauges
)

// Span is the range of positions that a droppable frame covers: after Prev up to Pos, in one group of frames, such as a
// live. The spans of consecutive dropped frames are joined. A client that receives the joined span therefore sees no
// gap.
type Span struct {
	Group     int64
	Prev, Pos int64
	Cursor    string // cursor of Pos for the client; the package does not interpret it
}

// Frame is a WebSocket frame from the server to a client. It is encoded once, shared by all connections that it is sent
// to, and never changed.
type Frame struct {
	wire       []byte // header and payload
	priority   priority
	key        string // key of a frame with the priority latest
	span       Span   // span of a droppable frame
	recordedAt time.Time
	counters   []WriteCounter // counters of the frame, or of the frames that it joins
}

// A WriteCounter counts the connections to which a frame was written. It is an interface because the package knows neither
// what frames contain nor which numbers are stored.
type WriteCounter interface {
	// Written is called when the socket of a connection has accepted the whole frame, once for each Push or Send. tag is the
	// number that Conn.SetTag has set, or 0. It must not block.
	Written(tag int64)
}

// WithCounter returns a copy of the frame whose writes w counts. Frames that wait for a client that polls are not counted.
func (f *Frame) WithCounter(w WriteCounter) *Frame {
	other := *f
	other.counters = []WriteCounter{w}
	return &other
}

func countersOf(frames []*Frame) (all []WriteCounter) {
	for _, f := range frames {
		all = append(all, f.counters...)
	}
	return all
}

// TextFrame returns a reliable text frame: if it cannot be delivered, its connection is closed. TextFrame copies
// payload.
func TextFrame(payload []byte) *Frame { return newFrame(opText, payload) }

// BinaryFrame returns a reliable binary frame. It copies payload.
func BinaryFrame(payload []byte) *Frame { return newFrame(opBinary, payload) }

// DroppableFrame returns a text frame that is dropped if its reader is slow. The reader then receives the joined span
// and the number of dropped frames (see Config.Skipped). DroppableFrame copies payload.
func DroppableFrame(payload []byte, span Span) *Frame {
	f := newFrame(opText, payload)
	f.priority, f.span = droppable, span
	return f
}

// LatestFrame returns a text frame that replaces a waiting frame with the same key, so that a slow reader receives only
// the newest value. LatestFrame copies payload.
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

// Replace returns a copy of the frame in which every occurrence of old is replaced by text. It panics unless both
// strings have the same length.
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

// newFrame returns a reliable frame. It is not fragmented and not masked.
func newFrame(opcode byte, payload []byte) *Frame {
	return &Frame{wire: appendFrame(make([]byte, 0, 10+len(payload)), opcode, payload)}
}

// closeFrame returns a close frame. It cuts a reason that is too long after a complete character.
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

// appendFrame appends a frame to dst, not fragmented and not masked. head is the opcode, with reserved bits.
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

// size returns the total size of frames in bytes.
func size(frames []*Frame) (n int) {
	for _, f := range frames {
		n += len(f.wire)
	}
	return n
}
