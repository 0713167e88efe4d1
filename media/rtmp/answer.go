package rtmp

import (
	"encoding/binary"
	"fmt"
	"time"

	"roomlog/media/amf"
)

const window = 5_000_000 // bytes after which a client shall tell how many it has

// Events of user control messages.
const (
	eventStreamBegin  = 0
	eventStreamEOF    = 1
	eventPingRequest  = 6
	eventPingResponse = 7
)

const minWindow = 64 << 10 // whoever asks for more frequent news gets it as often as this

func (c *Conn) answer(cs, kind byte, stream uint32, chunk int, payload []byte) {
	c.queueing.Lock()
	defer c.queueing.Unlock()
	c.answers = appendMessage(c.answers, cs, kind, stream, 0, chunk, payload)
}

func (c *Conn) call(stream uint32, values ...any) {
	c.answer(csCommand, typeCommand, stream, ChunkSize, amf.Encode(values...))
}

func (c *Conn) status(level, code, text string) {
	c.call(MediaStream, "onStatus", 0, nil, amf.Object{"level": level, "code": code, "description": text})
}

func (c *Conn) control(event uint16, value uint32) {
	b := binary.BigEndian.AppendUint16(nil, event)
	c.answer(csControl, typeUserControl, 0, ChunkSize, binary.BigEndian.AppendUint32(b, value))
}

// welcome answers connect: from here on our chunks are large.
func (c *Conn) welcome() {
	c.answer(csControl, typeWindowAckSize, 0, firstChunkSize, binary.BigEndian.AppendUint32(nil, window))
	c.answer(csControl, typeSetPeerBandwidth, 0, firstChunkSize, append(binary.BigEndian.AppendUint32(nil, window), 2))
	c.answer(csControl, typeSetChunkSize, 0, firstChunkSize, binary.BigEndian.AppendUint32(nil, ChunkSize))
	c.call(0, "_result", c.connect,
		amf.Object{"fmsVer": "FMS/3,0,1,123", "capabilities": 31},
		amf.Object{"level": levelStatus, "code": connectSuccess, "description": "Connection succeeded.", "objectEncoding": 0})
}

func (c *Conn) ping(now time.Time) error {
	c.pinged = now
	c.control(eventPingRequest, uint32(now.UnixMilli()))
	return c.send()
}

// housekeep answers what is neither media nor a command, and tells the client how much has come when it
// wants to know.
func (c *Conn) housekeep(m Message) error {
	switch m.Type {
	case typeWindowAckSize:
		if len(m.Data) < 4 {
			return fmt.Errorf("%w: window in %d bytes", ErrProtocol, len(m.Data))
		}
		c.window = max(minWindow, uint64(binary.BigEndian.Uint32(m.Data)))
	case typeUserControl:
		if len(m.Data) >= 6 && binary.BigEndian.Uint16(m.Data) == eventPingRequest {
			c.control(eventPingResponse, binary.BigEndian.Uint32(m.Data[2:]))
		}
	}
	return nil
}

// acknowledge tells the client in time, before it has sent all that it may.
func (c *Conn) acknowledge() {
	if c.window > 0 && c.r.bytes-c.told >= c.window/2 {
		c.told = c.r.bytes
		c.answer(csControl, typeAck, 0, ChunkSize, binary.BigEndian.AppendUint32(nil, uint32(c.told)))
	}
}
