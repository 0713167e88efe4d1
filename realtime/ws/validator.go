package ws

import (
	"encoding/binary"
	"time"

	"golang.org/x/time/rate"
)

// violation is the reason why a frame of the client is not accepted.
type violation struct {
	code   uint16
	reason string
}

// validator checks the frames that a client sends before gws reads the bytes. gws allocates
// what a header announces, accepts any number of empty fragments and pings, and panics on a negative length.
type validator struct {
	limiter  *rate.Limiter // nil: any number of frames
	binary   bool          // binary messages are accepted
	deflate  bool          // compressed messages are accepted
	max      int64         // bytes of a whole message
	left     int64         // payload bytes until the next header
	message  int64         // bytes of the unfinished message so far
	header   [10]byte      // the next header as far as it is read, without the mask
	have     uint8         // bytes of the header that are read, the mask included
	fragment bool          // a fragmented message is unfinished
}

// scan checks the frames in p. It returns how many headers ended in p, and how many bytes of p come before the first
// frame that is not accepted: all of them, unless it returns a violation.
func (v *validator) scan(p []byte, now time.Time) (frames, good int, refused *violation) {
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
func (v *validator) headerSize() int {
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

func (v *validator) masked() bool { return v.header[1]&0x80 != 0 }

// compressed reports whether the frame begins a compressed message and may do so.
func (v *validator) compressed() bool {
	opcode := v.header[0] & 0x0f
	return v.deflate && v.header[0]&0x70 == 0x40 && (opcode == opText || opcode == opBinary)
}

// length returns the announced payload length. It is negative for lengths above the largest int64.
func (v *validator) length() int64 {
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
func (v *validator) check(now time.Time) *violation {
	final, opcode, length := v.header[0]&0x80 != 0, v.header[0]&0x0f, v.length()
	switch {
	case v.limiter != nil && !v.limiter.AllowN(now, 1):
		return &violation{CloseTooMany, "too many frames"}
	case v.header[0]&0x70 != 0 && !v.compressed():
		return &violation{CloseProtocol, "reserved bits are set"}
	case !v.masked():
		return &violation{CloseProtocol, "the frame is not masked"}
	case length < 0:
		return &violation{CloseProtocol, "the length is negative"}
	}
	v.left = length
	switch opcode {
	case opClose, opPing, opPong:
		if !final || length > 125 {
			return &violation{CloseProtocol, "a control frame is fragmented or too long"}
		}
		return nil
	case opText, opBinary:
		if opcode == opBinary && !v.binary {
			return &violation{CloseUnsupported, "text only"}
		}
		if v.fragment {
			return &violation{CloseProtocol, "the last message is not finished"}
		}
		v.message = 0
	case opContinuation:
		if !v.fragment {
			return &violation{CloseProtocol, "nothing to continue"}
		}
	default:
		return &violation{CloseProtocol, "reserved opcode"}
	}
	v.fragment = !final
	if length > v.max-v.message { // a subtraction, so that nothing can overflow
		return &violation{CloseTooLarge, "the message is too large"}
	}
	v.message += length
	return nil
}
