package ws

import (
	"bytes"
	"encoding/binary"
	"time"
)

// The opcodes of RFC 6455.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// lane says what may happen to a frame when its reader is slow.
type lane uint8

const (
	laneMust      lane = iota // never dropped: gifts, balances, states, replies
	laneDroppable             // the oldest go first, and are counted: comments
	laneNewest                // a newer one with the same key takes its place: gauges
)

// Span is what a droppable frame stands for: the positions after Prev up to Pos in one group of frames
// (a room). The spans of frames dropped in a row join to one, so that a client sees no gap.
type Span struct {
	Group     int64
	Prev, Pos int64
}

// Frame is a WebSocket frame from server to client, encoded once and shared by all connections that it is
// sent to. It never changes after it was made.
type Frame struct {
	wire []byte // header and payload
	lane lane
	key  string // of laneNewest
	span Span   // of laneDroppable
	at   time.Time
}

// TextFrame makes a text frame that is delivered or its connection is closed: for replies and for facts that
// nobody may miss. The payload is copied.
func TextFrame(payload []byte) *Frame {
	return newFrame(opText, payload)
}

// BinaryFrame is TextFrame for a binary message.
func BinaryFrame(payload []byte) *Frame {
	return newFrame(opBinary, payload)
}

// RecordedAt notes when that happened what a new frame tells, for the figures of how long telling it took.
func (f *Frame) RecordedAt(at time.Time) *Frame {
	f.at = at
	return f
}

// Bundle makes one out of frames that have to follow each other, whatever else is sent. It is delivered or its
// connection is closed.
func Bundle(frames ...*Frame) *Frame {
	return &Frame{wire: join(nil, frames)}
}

// DroppableFrame makes a text frame that a slow reader may lose; it is then told the span and number of what
// it lost. The payload is copied.
func DroppableFrame(payload []byte, span Span) *Frame {
	f := newFrame(opText, payload)
	f.lane, f.span = laneDroppable, span
	return f
}

// LatestFrame makes a text frame that replaces a frame with the same key that still waits: who is slow gets
// only the newest value. The payload is copied.
func LatestFrame(payload []byte, key string) *Frame {
	f := newFrame(opText, payload)
	f.lane, f.key = laneNewest, key
	return f
}

// Messages yields what a frame carries, for who has no WebSocket connection to send it over. The payload
// must not be changed.
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

// Replace is the frame with another text in place of old, of the same length.
func (f *Frame) Replace(old, text string) *Frame {
	if len(old) != len(text) {
		panic("ws: a frame keeps its length")
	}
	if !bytes.Contains(f.wire, []byte(old)) {
		return f
	}
	other := *f
	other.wire = bytes.ReplaceAll(f.wire, []byte(old), []byte(text))
	return &other
}

// newFrame encodes one whole, unmasked frame of laneMust.
func newFrame(opcode byte, payload []byte) *Frame {
	return &Frame{wire: appendFrame(make([]byte, 0, 10+len(payload)), opcode, payload)}
}

// appendFrame appends one whole, unmasked frame.
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
