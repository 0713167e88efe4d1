package ws

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/klauspost/compress/flate"
)

const (
	// minDeflate is the minimum size in bytes of a batch that is compressed.
	minDeflate = 128
	// compressionWindowSize is the size in bytes of the compression window: the earlier batches to which a batch may refer.
	compressionWindowSize = 8 << 10
	// deflateLevel is the compression level. At this level a batch takes about 50 µs, once for all connections of a
	// fan-out.
	deflateLevel = 5
)

// The extension permessage-deflate and its parameters (RFC 7692, section 7).
const (
	deflateExtension = "permessage-deflate"
	serverNoContext  = "server_no_context_takeover"
	clientNoContext  = "client_no_context_takeover"
	clientWindowBits = "client_max_window_bits"
)

// acceptDeflate reports whether the client accepts messages that a Fanout compresses. It also replaces the offers in
// the request by the single offer that gws shall accept. A client that requests messages without context, or a smaller
// window, gets no compression: a batch is one deflate stream, however it is divided into messages.
func acceptDeflate(r *http.Request) bool {
	const name = "Sec-WebSocket-Extensions"
	offers := strings.Split(strings.Join(r.Header.Values(name), ","), ",")
	r.Header.Del(name)
offers:
	for _, offer := range offers {
		for i, parameter := range strings.Split(offer, ";") {
			word, _, _ := strings.Cut(strings.TrimSpace(parameter), "=")
			if i == 0 && word != deflateExtension || i > 0 && word != clientNoContext && word != clientWindowBits {
				continue offers
			}
		}
		r.Header.Set(name, deflateExtension)
		return true
	}
	return false
}

// withServerContext removes server_no_context_takeover from the response of gws, which always contains it. This
// parameter would promise that a client can inflate every message without the earlier ones.
func withServerContext(response []byte) []byte {
	return bytes.Replace(response, []byte("; "+serverNoContext), nil, 1)
}

// compressor compresses batches of frames, each once for all connections. It is not safe for concurrent use.
type compressor struct {
	deflate *flate.Writer
	buffer  bytes.Buffer
	out     [2][]byte // buffers for a batch that refers to no earlier batch, and for one that refers to the compression window
}

func newCompressor() *compressor {
	c := &compressor{}
	c.deflate, _ = flate.NewWriter(&c.buffer, deflateLevel) // fails only for invalid levels
	return c
}

// compress appends the compressed frames, in wire format, to dst. They may refer to earlier, the content of the compression window. A
// client must inflate the messages in their order.
func (c *compressor) compress(dst []byte, frames []*Frame, earlier []byte) []byte {
	const compressed, tail = 0x40, 4 // the tail is an empty block that every client adds itself
	c.deflate.ResetDict(&c.buffer, earlier)
	for _, f := range frames {
		for payload, binary := range f.Messages {
			c.buffer.Reset()
			_, _ = c.deflate.Write(payload) // a bytes.Buffer never fails
			_ = c.deflate.Flush()
			opcode := byte(opText)
			if binary {
				opcode = opBinary
			}
			dst = appendFrame(dst, compressed|opcode, c.buffer.Bytes()[:c.buffer.Len()-tail])
		}
	}
	return dst
}

// compressionWindow contains the newest bytes that the shard has sent compressed.
type compressionWindow struct {
	text  []byte
	total int64 // number of bytes since the shard was created
}

// start returns the position of the first byte in the compression window, counted in bytes since the shard was created.
func (h *compressionWindow) start() int64 { return h.total - int64(len(h.text)) }

// add appends frames that were sent compressed to the compression window.
func (h *compressionWindow) add(frames []*Frame) {
	for _, f := range frames {
		for payload := range f.Messages {
			h.text = append(h.text, payload...)
			h.total += int64(len(payload))
		}
	}
	if over := len(h.text) - compressionWindowSize; over > 0 {
		h.text = append(h.text[:0], h.text[over:]...)
	}
}

// inflated records which part of a compression window a connection has received: everything from position since on.
type inflated struct {
	of    *compressionWindow
	since int64
}

// covers reports whether the connection has received all bytes that a batch of h may refer to.
func (i inflated) covers(h *compressionWindow) bool { return i.of == h && i.since <= h.start() }
