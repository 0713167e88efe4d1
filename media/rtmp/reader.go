package rtmp

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// Initial capacities in bytes of the buffer for a message, whatever length the message announces.
const (
	firstBuffer      = 1 << 10
	firstOfPublisher = 64 << 10 // of an accepted publisher: most of its messages need one buffer
)

// reader assembles messages from the chunks of one connection.
type reader struct {
	r       *bufio.Reader
	media   bool // whether media messages are allowed
	chunk   int
	streams map[uint32]*chunkStream
	pending int    // bytes allocated for incomplete messages
	bytes   uint64 // number of bytes received since the handshake
}

// chunkStream is the state of a chunk stream. The headers of its next chunk refer to this state.
type chunkStream struct {
	known    bool // whether a full header was received
	kind     byte
	length   int
	time     uint32
	delta    uint32
	extended bool   // whether the last header had an extended timestamp
	stamp    uint32 // the extended timestamp
	absolute bool   // whether the last header had a time, not a delta
	open     bool   // whether a message has begun
	buf      []byte // received bytes of the open message
}

func newReader(r *bufio.Reader) *reader {
	return &reader{r: r, chunk: firstChunkSize, streams: map[uint32]*chunkStream{}}
}

func (r *reader) full(b []byte) error {
	n, err := io.ReadFull(r.r, b)
	r.bytes += uint64(n)
	return err
}

// next returns the next complete message. It applies chunk size and abort messages before it returns them.
func (r *reader) next() (Message, error) {
	for {
		cs, err := r.header()
		if err != nil {
			return Message{}, err
		}
		if err := r.payload(cs); err != nil {
			return Message{}, err
		}
		if len(cs.buf) < cs.length {
			continue
		}
		m := Message{Type: cs.kind, Time: cs.time, Data: cs.buf}
		r.drop(cs)
		return m, r.apply(m)
	}
}

// header reads the headers of a chunk, and begins a message if no message is open.
func (r *reader) header() (*chunkStream, error) {
	format, id, err := r.basicHeader()
	if err != nil {
		return nil, err
	}
	cs := r.streams[id]
	if cs == nil {
		if len(r.streams) >= maxStreams {
			return nil, fmt.Errorf("%w: more than %d chunk streams", ErrLimit, maxStreams)
		}
		cs = &chunkStream{}
		r.streams[id] = cs
	}
	switch {
	case format != 0 && !cs.known:
		return nil, fmt.Errorf("%w: chunk stream %d starts with header type %d", ErrProtocol, id, format)
	case format == 3:
		err = r.shortHeader(cs)
	default:
		err = r.messageHeader(cs, format)
	}
	if err != nil {
		return nil, err
	}
	return cs, r.begin(cs)
}

func (r *reader) basicHeader() (format byte, id uint32, err error) {
	var b [2]byte
	if err := r.full(b[:1]); err != nil {
		return 0, 0, err
	}
	format, id = b[0]>>6, uint32(b[0]&0x3f)
	switch id {
	case 0:
		err = r.full(b[:1])
		id = 64 + uint32(b[0])
	case 1:
		err = r.full(b[:2])
		id = 64 + uint32(b[0]) + uint32(b[1])<<8
	}
	return format, id, err
}

// messageHeader reads a header of type 0, 1 or 2. It discards an open message, because some clients abort messages
// this way.
func (r *reader) messageHeader(cs *chunkStream, format byte) error {
	r.drop(cs)
	var b [11]byte
	if err := r.full(b[:11-4*int(format)]); err != nil {
		return err
	}
	stamp := uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2])
	if format <= 1 {
		cs.length = int(b[3])<<16 | int(b[4])<<8 | int(b[5])
		cs.kind = b[6]
	}
	if cs.extended = stamp == extended; cs.extended {
		if err := r.full(b[:4]); err != nil {
			return err
		}
		stamp = binary.BigEndian.Uint32(b[:4])
		cs.stamp = stamp
	}
	cs.known, cs.absolute = true, format == 0
	if cs.absolute {
		cs.time, cs.delta = stamp, 0
	} else {
		cs.time, cs.delta = cs.time+stamp, stamp
	}
	return nil
}

// shortHeader reads the rest of a header of type 3: nothing, or an extended timestamp. Inside a message some clients
// write zeros in place of the extended timestamp, and some write nothing.
func (r *reader) shortHeader(cs *chunkStream) error {
	switch {
	case !cs.extended && !cs.open:
		cs.time += cs.delta
		return nil
	case !cs.extended:
		return nil
	}
	b, err := r.r.Peek(4)
	if err != nil {
		return err
	}
	stamp := binary.BigEndian.Uint32(b)
	if cs.open && stamp != cs.stamp && stamp != 0 {
		return nil
	}
	n, err := r.r.Discard(4)
	r.bytes += uint64(n)
	switch {
	case err != nil:
		return err
	case cs.open:
	case stamp == 0:
		cs.time += cs.delta
	case cs.absolute:
		cs.time, cs.stamp = stamp, stamp
	default:
		cs.time, cs.delta, cs.stamp = cs.time+stamp, stamp, stamp
	}
	return nil
}

// begin opens a message if no message is open. It refuses a message that is too long before memory is allocated.
func (r *reader) begin(cs *chunkStream) error {
	if cs.open {
		return nil
	}
	limit := maxCommand
	if cs.kind == TypeAudio || cs.kind == TypeVideo {
		if !r.media {
			return fmt.Errorf("%w: media before publish was accepted", ErrProtocol)
		}
		limit = maxMedia
	}
	if cs.length > limit {
		return fmt.Errorf("%w: message of type %d has %d bytes", ErrLimit, cs.kind, cs.length)
	}
	cs.open = true
	return nil
}

// payload reads the payload of a chunk into the buffer of its message, which grows as bytes arrive.
func (r *reader) payload(cs *chunkStream) error {
	for want := min(cs.length-len(cs.buf), r.chunk); want > 0; {
		if len(cs.buf) == cap(cs.buf) {
			if err := r.grow(cs); err != nil {
				return err
			}
		}
		at := len(cs.buf)
		step := min(want, cap(cs.buf)-at)
		cs.buf = cs.buf[:at+step]
		if err := r.full(cs.buf[at:]); err != nil {
			return err
		}
		want -= step
	}
	return nil
}

// grow enlarges the buffer of a message. The limit counts the old buffer and the new one while both exist. It
// and the first buffer are small for a client that may not send media: anybody can open such a connection.
func (r *reader) grow(cs *chunkStream) error {
	first, limit := firstBuffer, maxPendingCommands
	if r.media {
		first, limit = firstOfPublisher, maxPending
	}
	size := min(cs.length, max(first, 2*cap(cs.buf)))
	if r.pending+size > limit {
		return fmt.Errorf("%w: more than %d bytes pending", ErrLimit, limit)
	}
	r.pending += size - cap(cs.buf)
	buf := make([]byte, len(cs.buf), size)
	copy(buf, cs.buf)
	cs.buf = buf
	return nil
}

// drop discards the open message of a chunk stream.
func (r *reader) drop(cs *chunkStream) {
	r.pending -= cap(cs.buf)
	cs.buf, cs.open = nil, false
}

// apply applies messages that change how chunks are read.
func (r *reader) apply(m Message) error {
	switch m.Type {
	case typeSetChunkSize:
		if len(m.Data) < 4 {
			return fmt.Errorf("%w: chunk size in %d bytes", ErrProtocol, len(m.Data))
		}
		size := binary.BigEndian.Uint32(m.Data)
		if size < minChunk || size > maxChunk {
			return fmt.Errorf("%w: chunk size of %d bytes", ErrLimit, size)
		}
		r.chunk = int(size)
	case typeAbort:
		if len(m.Data) < 4 {
			return fmt.Errorf("%w: abort in %d bytes", ErrProtocol, len(m.Data))
		}
		if cs := r.streams[binary.BigEndian.Uint32(m.Data)]; cs != nil {
			r.drop(cs)
		}
	}
	return nil
}
