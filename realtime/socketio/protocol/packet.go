package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
)

// packetType is the type of a packet, as its first character.
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

// binary says that attachments follow.
func (t packetType) binary() bool { return t == typeBinaryEvent || t == typeBinaryAck }

// noID is the id of a packet that has none.
const noID = -1

const (
	maxNamespaceName = 128 // bytes, those of a query aside
	maxIDDigits      = 15  // clients count up from 0
)

// errPacket is for bytes that are no packet.
var errPacket = errors.New("not a packet")

// packet is one unit of the protocol. Data are JSON with placeholders for the attachments.
type packet struct {
	kind        packetType
	namespace   string // "/" is the default one
	query       string // of a CONNECT of protocol 4: it rides in the name
	id          int64
	data        json.RawMessage
	expects     int // attachments
	attachments [][]byte
}

// decode reads a packet: <type>[<attachments>-][/<namespace>,][<id>][<JSON>]. Data are a copy.
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
	if !p.fits(b) {
		return p, errPacket
	}
	p.data = bytes.Clone(b)
	return p, nil
}

// cutNamespace takes the name of a namespace off b, if there is one.
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

// cutNumber takes digits off b; without any the number is noID.
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

// fits says whether data are what a packet of this type carries.
func (p *packet) fits(data []byte) bool {
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

// encode writes a packet without its attachments.
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
