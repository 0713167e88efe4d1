package ws

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/klauspost/compress/flate"
)

const (
	// packFrom is from how many bytes on a batch is compressed.
	packFrom = 128
	// packMemory is how much of what was compressed before a batch it may refer to.
	packMemory = 8 << 10
	// packLevel is what compresses well for what it costs; one batch costs some 50 µs for a whole room.
	packLevel = 5
)

// The extension by which clients take compressed messages, RFC 7692, and what they may say of it.
const (
	extension        = "permessage-deflate"
	serverForgets    = "server_no_context_takeover"
	clientForgets    = "client_no_context_takeover"
	clientWindowBits = "client_max_window_bits"
)

// takesPacked says whether a client takes what a Fanout compresses, and leaves in the request what the library has
// to answer. A client that forgets every message, or wants to remember less, does not: a batch is one text,
// whatever messages it is cut into.
func takesPacked(r *http.Request) bool {
	const name = "Sec-WebSocket-Extensions"
	offers := strings.Split(strings.Join(r.Header.Values(name), ","), ",")
	r.Header.Del(name)
offers:
	for _, offer := range offers {
		for i, said := range strings.Split(offer, ";") {
			word, _, _ := strings.Cut(strings.TrimSpace(said), "=")
			if i == 0 && word != extension || i > 0 && word != clientForgets && word != clientWindowBits {
				continue offers
			}
		}
		r.Header.Set(name, extension)
		return true
	}
	return false
}

// answered takes out of the library's answer what it always says: that every message stands for itself.
func answered(response []byte) []byte {
	return bytes.Replace(response, []byte("; "+serverForgets), nil, 1)
}

// packer compresses batches of frames, each once for all connections.
type packer struct {
	deflate *flate.Writer
	buffer  bytes.Buffer
	out     [2][]byte // by whether it refers to what was before
}

func newPacker() *packer {
	p := &packer{}
	p.deflate, _ = flate.NewWriter(&p.buffer, packLevel) // fails for other levels only
	return p
}

// pack is the wire format of frames, compressed as the continuation of memory. Each message has to be inflated after
// those before it.
func (p *packer) pack(dst []byte, frames []*Frame, memory []byte) []byte {
	const compressed, tail = 0x40, 4 // an empty block, which every client adds by itself
	p.deflate.ResetDict(&p.buffer, memory)
	for _, f := range frames {
		for payload, binary := range f.Messages {
			p.buffer.Reset()
			_, _ = p.deflate.Write(payload) // a buffer takes everything
			_ = p.deflate.Flush()
			opcode := byte(opText)
			if binary {
				opcode = opBinary
			}
			dst = appendFrame(dst, compressed|opcode, p.buffer.Bytes()[:p.buffer.Len()-tail])
		}
	}
	return dst
}

// batch is what a flush writes to each connection.
type batch struct {
	shard  *shard
	frames []*Frame
	joined []byte
	packer *packer
	packed [2][]byte // nil: nobody wanted it yet
}

// worthPacking says whether to compress it for whom takes that.
func (b *batch) worthPacking() bool { return b.packer != nil && len(b.joined) >= packFrom }

// compressed is the batch for who has been given all of what the shard remembers, or for others.
func (b *batch) compressed(knows bool) []byte {
	i, memory := 0, []byte(nil)
	if knows {
		i, memory = 1, b.shard.memory.text
	}
	if b.packed[i] == nil {
		b.packer.out[i] = b.packer.pack(b.packer.out[i][:0], b.frames, memory)
		b.packed[i] = b.packer.out[i]
	}
	return b.packed[i]
}

// memory is the end of what a shard has sent compressed.
type memory struct {
	text  []byte
	total int64 // bytes ever
}

// since is where the text begins, among the bytes ever.
func (m *memory) since() int64 { return m.total - int64(len(m.text)) }

// learn remembers frames that were sent compressed.
func (m *memory) learn(frames []*Frame) {
	for _, f := range frames {
		for payload := range f.Messages {
			m.text = append(m.text, payload...)
			m.total += int64(len(payload))
		}
	}
	if over := len(m.text) - packMemory; over > 0 {
		m.text = append(m.text[:0], m.text[over:]...)
	}
}

// knowledge is what a connection has been given compressed: everything from one shard since a moment of its memory.
type knowledge struct {
	of    *shard
	since int64
}

// offerBatch sends a batch, compressed if the connection takes that and is not slow: of who is slow single frames
// may be dropped, and then what refers to them could not be read.
func (c *Conn) offerBatch(b *batch) {
	if !c.packs || !b.worthPacking() {
		c.offer(b.joined, b.frames)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ending:
		return
	case c.out != nil:
		c.knows = knowledge{}
		c.queue(b.frames)
		return
	}
	m := &b.shard.memory
	wire := b.compressed(c.knows.of == b.shard && c.knows.since <= m.since())
	if c.knows.of != b.shard {
		c.knows = knowledge{b.shard, m.total}
	}
	switch n, err := c.write(wire); {
	case err != nil:
		c.endLocked(CloseLost, "", nil)
	case n < len(wire):
		rest := &Frame{wire: bytes.Clone(wire)}
		c.startDrain([]*Frame{rest}, n)
	}
}

// forgetPacked has the next batch refer to nothing before it.
func (c *Conn) forgetPacked() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.knows = knowledge{}
}
