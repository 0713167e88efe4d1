package ws

import "bytes"

// batch holds the frames that one flush writes to each connection of a shard.
type batch struct {
	compression *compressionWindow
	frames      []*Frame
	joined      []byte
	counters    []WriteCounter // counters of frames
	compressor  *compressor    // nil if the batch is not compressed
	compressed  [2][]byte      // compressed form that refers to no earlier batch, and one that refers to the compression window; nil until a connection needs it
}

// worthCompressing reports whether the batch is compressed for connections that accept compressed messages.
func (b *batch) worthCompressing() bool {
	return b.compressor != nil && len(b.joined) >= minDeflate
}

// wire returns the compressed batch. If continued is true, it may refer to earlier batches in the shard's compression
// window; otherwise a client can inflate it without them.
func (b *batch) wire(continued bool) []byte {
	i, text := 0, []byte(nil)
	if continued {
		i, text = 1, b.compression.text
	}
	if b.compressed[i] == nil {
		b.compressor.out[i] = b.compressor.compress(b.compressor.out[i][:0], b.frames, text)
		b.compressed[i] = b.compressor.out[i]
	}
	return b.compressed[i]
}

// usedCompression reports whether the batch was sent compressed to any connection.
func (b *batch) usedCompression() bool { return b.compressed[0] != nil || b.compressed[1] != nil }

// offerBatch sends a batch. It sends the compressed form if the connection accepts it and has no queue. Single frames
// of a queue may be dropped, and the client could not inflate later frames that refer to them.
func (c *Conn) offerBatch(b *batch) {
	if !c.compresses || !b.worthCompressing() {
		c.offer(b.joined, b.frames, b.counters)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ending:
		return
	case c.out != nil:
		c.inflated = inflated{}
		c.queue(b.frames)
		return
	}
	wire := b.wire(c.inflated.covers(b.compression))
	if c.inflated.of != b.compression {
		c.inflated = inflated{b.compression, b.compression.total}
	}
	switch n, err := c.write(wire); {
	case err != nil:
		c.endLocked(CloseLost, "", nil)
	case n < len(wire):
		rest := &Frame{wire: bytes.Clone(wire), counters: b.counters}
		c.startWriter([]*Frame{rest}, n)
	default:
		c.written(b.counters)
	}
}
