package engineio

import (
	"encoding/base64"
	"errors"

	"roomlog/realtime/ws"
)

// Types of packets, as the first character of an encoded packet.
const (
	typeOpen    = '0'
	typeClose   = '1'
	typePing    = '2'
	typePong    = '3'
	typeMessage = '4'
	typeUpgrade = '5'
	typeNoop    = '6'
)

// Packets without data that the server sends.
const (
	packetClose = "1"
	packetPing  = "2"
	packetNoop  = "6"
)

// errPacket is the error for bytes that are not a packet.
var errPacket = errors.New("not a packet")

// packet is one unit of the Engine.IO protocol.
type packet struct {
	kind   byte
	data   []byte
	binary bool // whether the packet is a message of bytes, not of characters
}

// Message returns the payload of a text message, for the frames of package ws. It is the same in both versions.
func Message(text []byte) []byte {
	return append(append(make([]byte, 0, 1+len(text)), typeMessage), text...)
}

// encodeBinary returns the frame of a binary message. asText is for clients that cannot receive binary frames.
func encodeBinary(data []byte, v Version, asText bool) *ws.Frame {
	switch {
	case asText && v == V3:
		return ws.TextFrame(base64.StdEncoding.AppendEncode([]byte{'b', typeMessage}, data))
	case asText:
		return ws.TextFrame(base64.StdEncoding.AppendEncode([]byte{'b'}, data))
	case v == V3:
		return ws.BinaryFrame(append([]byte{typeMessage - '0'}, data...))
	}
	return ws.BinaryFrame(data)
}

// decodeText decodes a packet that is encoded as characters. The data of the packet are a part of b, except for a
// binary message.
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

// decodeBase64 decodes a binary message that is encoded as characters, without its leading b.
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

// decodeBinary decodes a packet that is encoded as bytes.
func decodeBinary(b []byte, v Version) (packet, error) {
	if v == V4 {
		return packet{kind: typeMessage, data: b, binary: true}, nil
	}
	if len(b) == 0 || b[0] > typeNoop-'0' {
		return packet{}, errPacket
	}
	return packet{kind: '0' + b[0], data: b[1:], binary: b[0] == typeMessage-'0'}, nil
}
