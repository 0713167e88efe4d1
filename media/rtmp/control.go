package rtmp

import (
	"encoding/binary"
	"fmt"

	"roomlog/media/amf"
)

const (
	window    = 5_000_000 // bytes after which the client should send an acknowledgement
	minWindow = 64 << 10  // minimum window in bytes for our acknowledgements, whatever the client requests
)

// sendCommand queues a command for the client.
func (c *Conn) sendCommand(stream uint32, values ...any) {
	c.respond(csCommand, typeCommand, stream, ChunkSize, amf.Encode(values...))
}

// status queues an onStatus command.
func (c *Conn) status(level, code, text string) {
	c.sendCommand(MediaStream, "onStatus", 0, nil, amf.Object{"level": level, "code": code, "description": text})
}

// acceptConnect queues the responses to connect. The chunks of later messages have ChunkSize.
func (c *Conn) acceptConnect() {
	c.respond(csControl, typeWindowAckSize, 0, firstChunkSize, binary.BigEndian.AppendUint32(nil, window))
	c.respond(csControl, typeSetPeerBandwidth, 0, firstChunkSize, append(binary.BigEndian.AppendUint32(nil, window), 2))
	c.respond(csControl, typeSetChunkSize, 0, firstChunkSize, binary.BigEndian.AppendUint32(nil, ChunkSize))
	c.sendCommand(0, "_result", c.connectID,
		amf.Object{"fmsVer": "FMS/3,0,1,123", "capabilities": 31},
		amf.Object{"level": levelStatus, "code": connectSuccess, "description": "Connection succeeded.", "objectEncoding": 0, "fourCcList": amf.Array{"*"}})
}

// handleControl handles a message that is neither media nor a command.
func (c *Conn) handleControl(m Message) error {
	switch m.Type {
	case typeWindowAckSize:
		if len(m.Data) < 4 {
			return fmt.Errorf("%w: window size in %d bytes", ErrProtocol, len(m.Data))
		}
		c.window = max(minWindow, uint64(binary.BigEndian.Uint32(m.Data)))
	case typeUserControl:
		if len(m.Data) >= 6 && binary.BigEndian.Uint16(m.Data) == eventPingRequest {
			c.userControl(eventPingResponse, binary.BigEndian.Uint32(m.Data[2:]))
		}
	}
	return nil
}

// acknowledge queues an acknowledgement when half of the client's window has been received since the last
// acknowledgement.
func (c *Conn) acknowledge() {
	if c.window > 0 && c.r.bytes-c.acked >= c.window/2 {
		c.acked = c.r.bytes
		c.respond(csControl, typeAck, 0, ChunkSize, binary.BigEndian.AppendUint32(nil, uint32(c.acked)))
	}
}
