package ws

import (
	"encoding/binary"
	"time"

	"golang.org/x/time/rate"
)

// violation is why a client's next frame is not accepted.
type violation struct {
	code   uint16
	reason string
}

// guard follows the frames in what a client sends, before the WebSocket library sees the bytes. It exists
// because the library believes announced lengths, takes any number of empty fragments and pings, and panics
// on a length with the top bit set.
type guard struct {
	limiter *rate.Limiter // nil: any number of frames
	binary  bool          // binary messages are welcome too
	packed  bool          // and compressed ones
	max     int64         // bytes of a whole message
	left    int64         // bytes of payload until the next header
	message int64         // bytes of the unfinished message so far
	header  [10]byte      // what is known of the next header, without the mask
	have    uint8         // bytes of it, those of the mask included
	inside  bool          // a fragmented message has begun
}

// scan follows the frames in p. It returns how many headers ended in p, and how many bytes of p come before
// the first frame that is not accepted: all of them, unless why is set.
func (g *guard) scan(p []byte, now time.Time) (frames, good int, why *violation) {
	for i := 0; i < len(p); {
		if g.left > 0 {
			n := int(min(g.left, int64(len(p)-i)))
			g.left -= int64(n)
			i += n
			good = i
			continue
		}
		if int(g.have) < len(g.header) {
			g.header[g.have] = p[i]
		}
		g.have++
		i++
		if g.have < 2 || int(g.have) < g.headerSize() {
			continue
		}
		frames++
		if why := g.judge(now); why != nil {
			return frames, good, why
		}
		g.have = 0
		good = i
	}
	return frames, len(p), nil
}

// headerSize is known from the second byte on.
func (g *guard) headerSize() int {
	size := 2
	switch g.header[1] & 0x7f {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if g.masked() {
		size += 4
	}
	return size
}

func (g *guard) masked() bool { return g.header[1]&0x80 != 0 }

// compressed says that the frame begins a compressed message, and may.
func (g *guard) compressed() bool {
	opcode := g.header[0] & 0x0f
	return g.packed && g.header[0]&0x70 == 0x40 && (opcode == opText || opcode == opBinary)
}

// length is the announced payload; lengths above an int64 come out negative.
func (g *guard) length() int64 {
	switch n := g.header[1] & 0x7f; n {
	case 126:
		return int64(binary.BigEndian.Uint16(g.header[2:]))
	case 127:
		return int64(binary.BigEndian.Uint64(g.header[2:]))
	default:
		return int64(n)
	}
}

// judge decides about the frame whose header is complete.
func (g *guard) judge(now time.Time) *violation {
	final, opcode, length := g.header[0]&0x80 != 0, g.header[0]&0x0f, g.length()
	switch {
	case g.limiter != nil && !g.limiter.AllowN(now, 1):
		return &violation{CloseTooMany, "too many frames"}
	case g.header[0]&0x70 != 0 && !g.compressed():
		return &violation{CloseProtocol, "reserved bits are set"}
	case !g.masked():
		return &violation{CloseProtocol, "the frame is not masked"}
	case length < 0:
		return &violation{CloseProtocol, "the length is negative"}
	}
	g.left = length
	switch opcode {
	case opClose, opPing, opPong:
		if !final || length > 125 {
			return &violation{CloseProtocol, "a control frame is fragmented or too long"}
		}
		return nil
	case opText, opBinary:
		if opcode == opBinary && !g.binary {
			return &violation{CloseUnsupported, "text only"}
		}
		if g.inside {
			return &violation{CloseProtocol, "the last message is not finished"}
		}
		g.message = 0
	case opContinuation:
		if !g.inside {
			return &violation{CloseProtocol, "nothing to continue"}
		}
	default:
		return &violation{CloseProtocol, "reserved opcode"}
	}
	g.inside = !final
	if length > g.max-g.message { // a subtraction, so that nothing can overflow
		return &violation{CloseTooLarge, "the message is too large"}
	}
	g.message += length
	return nil
}
