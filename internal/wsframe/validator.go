package wsframe

import (
	"encoding/binary"
	"time"

	"golang.org/x/time/rate"
)

// Close codes of violations.
const (
	CloseProtocol    uint16 = 1002 // a frame that no correct client sends
	CloseUnsupported uint16 = 1003 // a binary message where only UTF-8 messages are accepted
	CloseTooLarge    uint16 = 1009 // a message above Validator.Max
	CloseTooMany     uint16 = 4429 // more frames than Validator.Limiter allows
)

// Opcodes of frames.
const (
	opContinuation = 0
	opText         = 1
	opBinary       = 2
	opClose        = 8
	opPing         = 9
	opPong         = 10
)

// Violation is the reason why a frame of the client is not accepted.
type Violation struct {
	Code   uint16 // the close code to send
	Reason string
}

// Error returns the reason.
func (v *Violation) Error() string { return "websocket: " + v.Reason }

// Validator checks the frames that one client sends. Its methods must be called by one goroutine.
type Validator struct {
	Limiter *rate.Limiter // limits the frames; nil: no limit
	Binary  bool          // whether binary messages are accepted
	Deflate bool          // whether compressed messages are accepted
	Max     int64         // maximum size of a whole message, in bytes
	// Fragment is the maximum payload of a frame that Split passes on, in bytes: a multiple of 4, the size of a mask, and at most 65532.
	Fragment int64

	left     int64    // number of payload bytes until the next header
	message  int64    // number of bytes of the unfinished message so far
	header   [14]byte // the bytes of the next header that are read, with the mask
	have     uint8    // number of bytes of the header that were read
	fragment bool     // whether a fragmented message is unfinished
	divided  int64    // number of payload bytes until the end of a fragment that Split has begun; 0: the frame is not divided
	inserted [8]byte  // the header of that fragment
}

// Scan checks the frames in p. It returns how many headers ended in p, and how many bytes of p come before the first
// frame that is not accepted: all of them, unless it returns a violation.
func (v *Validator) Scan(p []byte, now time.Time) (frames, good int, refused *Violation) {
	for i := 0; i < len(p); {
		if v.left > 0 {
			n := int(min(v.left, int64(len(p)-i)))
			v.left -= int64(n)
			i += n
			good = i
			continue
		}
		v.header[v.have] = p[i]
		v.have++
		i++
		if v.have < 2 || int(v.have) < v.headerSize() {
			continue
		}
		frames++
		if refused := v.check(now); refused != nil {
			return frames, good, refused
		}
		v.have = 0
		good = i
	}
	return frames, len(p), nil
}

// Split checks the frames in p like Scan, for a reader that allocates what a header announces: it divides a frame with more than
// Fragment bytes into fragments, so that the reader allocates memory as the bytes arrive, and it passes on whole headers only. It returns
// how many bytes of p come first, then the header that is inserted after them, and the bytes of p that it has not read yet, which the
// caller passes to the next call before any others. inserted is valid until then.
func (v *Validator) Split(p []byte, now time.Time) (frames, good int, inserted, rest []byte, refused *Violation) {
	here := 0 // number of bytes of the unfinished header that are in p
	for i := 0; i < len(p); {
		if v.left > 0 {
			n, divided := min(v.left, int64(len(p)-i)), v.divided > 0
			if divided {
				n = min(n, v.divided)
				v.divided -= n
			}
			v.left -= n
			i += int(n)
			good = i
			if divided && v.divided == 0 && v.left > 0 {
				return frames, good, v.nextFragment(0), p[i:], nil
			}
			continue
		}
		v.header[v.have] = p[i]
		v.have++
		here++
		i++
		if v.have < 2 || int(v.have) < v.headerSize() {
			continue
		}
		frames++
		if refused := v.check(now); refused != nil {
			return frames, good, nil, nil, refused
		}
		whole := here == int(v.have)
		inserted = v.header[:v.have]
		v.have, here = 0, 0
		switch {
		case v.left > v.Fragment:
			return frames, good, v.nextFragment(v.header[0] & 0x7f), p[i:], nil
		case !whole:
			return frames, good, inserted, p[i:], nil
		}
		good = i
	}
	return frames, good, nil, nil, nil
}

// nextFragment begins the next fragment of the frame and returns its header. first is the first byte of the header without the bit
// FIN. The fragment has the mask of the frame, because the fragments before it end with a whole mask.
func (v *Validator) nextFragment(first byte) []byte {
	v.divided = min(v.left, v.Fragment)
	if v.divided == v.left {
		first |= v.header[0] & 0x80
	}
	size := v.headerSize()
	b := append(v.inserted[:0], first)
	if v.divided > 125 {
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(v.divided))
	} else {
		b = append(b, 0x80|byte(v.divided))
	}
	return append(b, v.header[size-4:size]...)
}

// headerSize returns the size of the header with its mask. It needs the first two bytes.
func (v *Validator) headerSize() int {
	size := 2
	switch v.header[1] & 0x7f {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if v.masked() {
		size += 4
	}
	return size
}

func (v *Validator) masked() bool { return v.header[1]&0x80 != 0 }

// compressed reports whether the frame begins a compressed message and may do so.
func (v *Validator) compressed() bool {
	opcode := v.header[0] & 0x0f
	return v.Deflate && v.header[0]&0x70 == 0x40 && (opcode == opText || opcode == opBinary)
}

// length returns the announced payload length. It is negative for lengths above the largest int64.
func (v *Validator) length() int64 {
	switch n := v.header[1] & 0x7f; n {
	case 126:
		return int64(binary.BigEndian.Uint16(v.header[2:]))
	case 127:
		return int64(binary.BigEndian.Uint64(v.header[2:]))
	default:
		return int64(n)
	}
}

// check checks the frame whose header is complete.
func (v *Validator) check(now time.Time) *Violation {
	final, opcode, length := v.header[0]&0x80 != 0, v.header[0]&0x0f, v.length()
	switch {
	case v.Limiter != nil && !v.Limiter.AllowN(now, 1):
		return &Violation{CloseTooMany, "too many frames"}
	case v.header[0]&0x70 != 0 && !v.compressed():
		return &Violation{CloseProtocol, "reserved bits are set"}
	case !v.masked():
		return &Violation{CloseProtocol, "the frame is not masked"}
	case length < 0:
		return &Violation{CloseProtocol, "the length is negative"}
	}
	v.left = length
	switch opcode {
	case opClose, opPing, opPong:
		if !final || length > 125 {
			return &Violation{CloseProtocol, "a control frame is fragmented or too long"}
		}
		return nil
	case opText, opBinary:
		if opcode == opBinary && !v.Binary {
			return &Violation{CloseUnsupported, "text only"}
		}
		if v.fragment {
			return &Violation{CloseProtocol, "the last message is not finished"}
		}
		v.message = 0
	case opContinuation:
		if !v.fragment {
			return &Violation{CloseProtocol, "nothing to continue"}
		}
	default:
		return &Violation{CloseProtocol, "reserved opcode"}
	}
	v.fragment = !final
	if length > v.Max-v.message { // The comparison subtracts, so that nothing can overflow.
		return &Violation{CloseTooLarge, "the message is too large"}
	}
	v.message += length
	return nil
}
