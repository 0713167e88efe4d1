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

	left     int64    // number of payload bytes until the next header
	message  int64    // number of bytes of the unfinished message so far
	header   [10]byte // the bytes of the next header that are read, without the mask
	have     uint8    // number of bytes of the header that were read, including the mask
	fragment bool     // whether a fragmented message is unfinished
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
		if int(v.have) < len(v.header) {
			v.header[v.have] = p[i]
		}
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
