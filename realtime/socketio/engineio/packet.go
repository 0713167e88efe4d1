package engineio

import (
	"encoding/base64"
	"errors"

	"roomlog/realtime/ws"
)

// Version is a version of the protocol.
type Version int

// The versions: 3 is what clients of Socket.IO 1.x and 2.x speak, 4 what newer ones do.
const (
	V3 Version = 3
	V4 Version = 4
)

// The types of packets, as the first character of their text.
const (
	typeOpen    = '0'
	typeClose   = '1'
	typePing    = '2'
	typePong    = '3'
	typeMessage = '4'
	typeUpgrade = '5'
	typeNoop    = '6'
)

// The packets without data that the server sends.
const (
	packetClose = "1"
	packetPing  = "2"
	packetNoop  = "6"
)

// errPacket is for bytes that are no packet.
var errPacket = errors.New("not a packet")

// packet is one unit of the protocol.
type packet struct {
	kind   byte
	data   []byte
	binary bool // of a message: its data are bytes, not text
}

// Message is the text of a packet that carries a text message, for the frames of package realtime. It is
// the same in both versions.
func Message(text []byte) []byte {
	return append(append(make([]byte, 0, 1+len(text)), typeMessage), text...)
}

// Binary makes the frame of a binary message to this session.
func (s *Session) Binary(data []byte) *ws.Frame {
	switch {
	case s.asText && s.version == V3:
		return ws.TextFrame(base64.StdEncoding.AppendEncode([]byte{'b', typeMessage}, data))
	case s.asText:
		return ws.TextFrame(base64.StdEncoding.AppendEncode([]byte{'b'}, data))
	case s.version == V3:
		return ws.BinaryFrame(append([]byte{typeMessage - '0'}, data...))
	}
	return ws.BinaryFrame(data)
}

// decodeText reads a packet in its text form. The data are part of b, but for those of a binary message.
func decodeText(b []byte, v Version) (packet, error) {
	if len(b) == 0 {
		return packet{}, errPacket
	}
	if b[0] == 'b' {
		return decodeBase64(b[1:], v)
	}
	if b[0] < typeOpen || b[0] > typeNoop {
		return packet{}, errPacket
	}
	return packet{kind: b[0], data: b[1:]}, nil
}

// decodeBase64 reads what follows the b of a binary message in text form.
func decodeBase64(b []byte, v Version) (packet, error) {
	if v == V3 {
		if len(b) == 0 || b[0] != typeMessage {
			return packet{}, errPacket
		}
		b = b[1:]
	}
	data, err := base64.StdEncoding.AppendDecode(nil, b)
	if err != nil {
		return packet{}, errPacket
	}
	return packet{kind: typeMessage, data: data, binary: true}, nil
}

// decodeBinary reads a packet in its binary form.
func decodeBinary(b []byte, v Version) (packet, error) {
	if v == V4 {
		return packet{kind: typeMessage, data: b, binary: true}, nil
	}
	if len(b) == 0 || b[0] > typeNoop-'0' {
		return packet{}, errPacket
	}
	return packet{kind: '0' + b[0], data: b[1:], binary: b[0] == typeMessage-'0'}, nil
}
