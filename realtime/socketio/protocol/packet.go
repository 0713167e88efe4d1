package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"

	"roomlog/realtime/socketio/engineio"
	"roomlog/realtime/ws"
)

// packetType is the type of a packet, as the first character of the encoded packet.
type packetType byte

const (
	typeConnect      packetType = '0'
	typeDisconnect   packetType = '1'
	typeEvent        packetType = '2'
	typeAck          packetType = '3'
	typeConnectError packetType = '4'
	typeBinaryEvent  packetType = '5'
	typeBinaryAck    packetType = '6'
)

// binary reports whether attachments follow a packet of this type.
func (t packetType) binary() bool { return t == typeBinaryEvent || t == typeBinaryAck }

// noID is the id of a packet that has no id.
const noID = -1

const (
	maxNamespaceName = 128 // maximum length of a namespace in bytes, without the query
	maxIDDigits      = 15  // maximum number of digits of an id; clients count from 0
)

// errPacket is the error for bytes that are not a packet.
var errPacket = errors.New("not a packet")

// packet is one unit of the protocol. Its data are JSON with placeholders for the attachments.
type packet struct {
	kind        packetType
	namespace   string // namespace of the packet; "/" is the default namespace
	query       string // query of a CONNECT of protocol 4; the client sends it as a part of the namespace
	id          int64
	data        json.RawMessage
	expects     int // number of attachments that follow the packet
	attachments [][]byte
}

// decode decodes a packet: <type>[<attachments>-][/<namespace>,][<id>][<JSON>]. It copies the data.
func decode(b []byte, maxAttachments int) (p packet, err error) {
	if len(b) == 0 {
		return p, errPacket
	}
	p.kind, b = packetType(b[0]), b[1:]
	if p.kind < typeConnect || p.kind > typeBinaryAck || p.kind == typeConnectError {
		return p, errPacket
	}
	if p.kind.binary() {
		var n int64
		if n, b, err = cutNumber(b); err != nil || n < 0 || n > int64(maxAttachments) || len(b) == 0 || b[0] != '-' {
			return p, errPacket
		}
		p.expects, b = int(n), b[1:]
	}
	if b, err = p.cutNamespace(b); err != nil {
		return p, err
	}
	if p.id, b, err = cutNumber(b); err != nil {
		return p, err
	}
	if !p.allows(b) {
		return p, errPacket
	}
	p.data = bytes.Clone(b)
	return p, nil
}

// cutNamespace removes the namespace from b, if there is one.
func (p *packet) cutNamespace(b []byte) ([]byte, error) {
	p.namespace = "/"
	if len(b) == 0 || b[0] != '/' {
		return b, nil
	}
	name, rest, _ := bytes.Cut(b, []byte{','})
	name, query, _ := bytes.Cut(name, []byte{'?'})
	if len(name) > maxNamespaceName {
		return nil, errPacket
	}
	p.namespace, p.query = string(name), string(query)
	return rest, nil
}

// parseQuery returns the query of a CONNECT. An invalid query counts as none.
func (p *packet) parseQuery() url.Values {
	query, err := url.ParseQuery(p.query)
	if err != nil {
		return nil
	}
	return query
}

// cutNumber removes leading digits from b. Without digits the number is noID.
func cutNumber(b []byte) (n int64, rest []byte, err error) {
	digits := 0
	for digits < len(b) && b[digits] >= '0' && b[digits] <= '9' {
		digits++
	}
	switch {
	case digits == 0:
		return noID, b, nil
	case digits > maxIDDigits:
		return 0, nil, errPacket
	}
	n, err = strconv.ParseInt(string(b[:digits]), 10, 64)
	return n, b[digits:], err
}

// allows reports whether a packet of this type may carry data.
func (p *packet) allows(data []byte) bool {
	if len(data) > 0 && !json.Valid(data) {
		return false
	}
	switch p.kind {
	case typeConnect:
		return len(data) == 0 || data[0] == '{'
	case typeDisconnect:
		return len(data) == 0
	default:
		return len(data) > 0 && data[0] == '['
	}
}

func (p *packet) encode() []byte {
	b := append(make([]byte, 0, len(p.data)+len(p.namespace)+24), byte(p.kind))
	if p.kind.binary() {
		b = append(strconv.AppendInt(b, int64(len(p.attachments)), 10), '-')
	}
	if p.namespace != "/" {
		b = append(append(b, p.namespace...), ',')
	}
	if p.id != noID {
		b = strconv.AppendInt(b, p.id, 10)
	}
	return append(b, p.data...)
}

// frame returns the frame of a packet for one session, with its attachments.
func (p *packet) frame(s *engineio.Session) *ws.Frame {
	text := ws.TextFrame(engineio.Message(p.encode()))
	if len(p.attachments) == 0 {
		return text
	}
	frames := []*ws.Frame{text}
	for _, a := range p.attachments {
		frames = append(frames, s.Binary(a))
	}
	return ws.Bundle(frames...)
}
