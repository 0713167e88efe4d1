package engineio

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"roomlog/realtime/ws"
)

const (
	separator    = 0x1e // byte between two packets of a payload of version 4
	maxDigits    = 9    // maximum number of digits in the length of a packet in a payload of version 3
	octetsText   = 0    // marks a packet of characters in a binary payload
	octetsBinary = 1
	octetsEnd    = 255 // byte that ends the digits of a length in a binary payload
)

// encodePayload returns the body of the response to a GET. binary reports whether the body contains bytes that are not
// UTF-8.
func encodePayload(frames []*ws.Frame, v Version) (body []byte, binary bool) {
	if v == V4 {
		return encodeSeparated(frames), false
	}
	for _, f := range frames {
		for _, isBinary := range f.Messages {
			binary = binary || isBinary // The frames of a session that cannot receive binary frames are never binary.
		}
	}
	for _, f := range frames {
		for message, isBinary := range f.Messages {
			if binary {
				body = appendOctets(body, message, isBinary)
			} else {
				message = escapeJSON(message)
				body = strconv.AppendInt(body, int64(utf16Len(message)), 10)
				body = append(append(body, ':'), message...)
			}
		}
	}
	return body, binary
}

// encodeSeparated returns a payload of version 4.
func encodeSeparated(frames []*ws.Frame) (body []byte) {
	for _, f := range frames {
		for message, isBinary := range f.Messages {
			if len(body) > 0 {
				body = append(body, separator)
			}
			if isBinary {
				body = base64.StdEncoding.AppendEncode(append(body, 'b'), message)
			} else {
				body = append(body, message...)
			}
		}
	}
	return body
}

// appendOctets appends a packet of a binary payload.
func appendOctets(body, message []byte, binary bool) []byte {
	kind := byte(octetsText)
	if binary {
		kind = octetsBinary
	}
	body = append(body, kind)
	for _, digit := range strconv.Itoa(len(message)) {
		body = append(body, byte(digit-'0'))
	}
	return append(append(body, octetsEnd), message...)
}

// Clients of Socket.IO 1 encode the characters of a packet in a text payload as UTF-8, and its bytes as characters. They decode such packets, and
// end the session at a character that is no byte of UTF-8. Later clients do neither, and both kinds declare version 3. Packets with JSON
// are therefore sent in ASCII, which both read, and accepted in both forms.

// jsonStart returns the index at which the JSON of a Socket.IO packet begins, behind its type, namespace and id. It returns -1 for another
// packet of Engine.IO.
func jsonStart(packet []byte) int {
	start := bytes.IndexAny(packet, "[{\"")
	if start < 2 || packet[0] != typeMessage || packet[1] < '0' || packet[1] > '6' {
		return -1
	}
	return start
}

// escapeJSON returns a packet with its JSON in ASCII. It returns a packet without JSON as it is.
func escapeJSON(packet []byte) []byte {
	start := jsonStart(packet)
	if start < 0 || isASCII(packet[start:]) {
		return packet
	}
	escaped := append(make([]byte, 0, 2*len(packet)), packet[:start]...)
	for _, r := range string(packet[start:]) {
		switch {
		case r < utf8.RuneSelf:
			escaped = append(escaped, byte(r))
		case utf16Units(r) == 2:
			high, low := utf16.EncodeRune(r)
			escaped = fmt.Appendf(escaped, `\u%04x\u%04x`, high, low)
		default:
			escaped = fmt.Appendf(escaped, `\u%04x`, r)
		}
	}
	return escaped
}

// decodeTwice returns a packet whose characters are the bytes of UTF-8 with the characters that they mean. It returns a packet without JSON,
// or with other characters, as it is.
func decodeTwice(packet []byte) []byte {
	if jsonStart(packet) < 0 || isASCII(packet) {
		return packet
	}
	octets := make([]byte, 0, len(packet))
	for _, r := range string(packet) {
		if r > 0xff {
			return packet
		}
		octets = append(octets, byte(r))
	}
	if !utf8.Valid(octets) {
		return packet
	}
	return octets
}

func isASCII(text []byte) bool {
	return !bytes.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
}

// utf16Len returns the number of UTF-16 code units of a UTF-8 string: clients of version 3 count 😀 as two.
func utf16Len(text []byte) (n int) {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		n += utf16Units(r)
		text = text[size:]
	}
	return n
}

func utf16Units(r rune) int {
	if r > 0xffff {
		return 2
	}
	return 1
}

// decodePayload decodes the body of a POST and calls take for each packet until take returns false. binary reports whether
// the client declares the body to be octets.
func decodePayload(body []byte, v Version, binary bool, take func(packet) bool) error {
	next := nextText
	switch {
	case len(body) == 0:
		return errPacket
	case v == V4: // Some clients declare octets, although every payload of version 4 consists of characters.
		next = nextSeparated
	case binary:
		next = nextOctets
	}
	for more := true; more; {
		var p packet
		var err error
		if p, body, more, err = next(body, v); err != nil {
			return err
		}
		if !take(p) {
			return nil
		}
	}
	return nil
}

// nextSeparated decodes a packet of version 4.
func nextSeparated(body []byte, v Version) (p packet, rest []byte, more bool, err error) {
	one, rest, more := bytes.Cut(body, []byte{separator})
	p, err = decodeText(one, v)
	return p, rest, more, err
}

// nextText decodes a packet of version 3: <length in UTF-16 code units>:<packet>.
func nextText(body []byte, v Version) (p packet, rest []byte, more bool, err error) {
	colon := bytes.IndexByte(body[:min(len(body), maxDigits+1)], ':')
	if colon < 1 {
		return p, nil, false, errPacket
	}
	units, err := strconv.ParseUint(string(body[:colon]), 10, 31)
	if err != nil {
		return p, nil, false, errPacket
	}
	body = body[colon+1:]
	size, left := 0, int(units)
	for left > 0 {
		r, n := utf8.DecodeRune(body[size:])
		if n == 0 {
			return p, nil, false, errPacket
		}
		size += n
		left -= utf16Units(r)
	}
	if left < 0 { // The length ends inside a character.
		return p, nil, false, errPacket
	}
	p, err = decodeText(decodeTwice(body[:size]), v)
	return p, body[size:], len(body) > size, err
}

// nextOctets decodes a packet of a binary payload of version 3: <type><length, one digit per byte><255><packet>.
func nextOctets(body []byte, v Version) (p packet, rest []byte, more bool, err error) {
	kind := body[0]
	end := bytes.IndexByte(body[:min(len(body), maxDigits+2)], octetsEnd)
	if end < 2 || kind > octetsBinary {
		return p, nil, false, errPacket
	}
	size := 0
	for _, digit := range body[1:end] {
		if digit > 9 {
			return p, nil, false, errPacket
		}
		size = size*10 + int(digit)
	}
	body = body[end+1:]
	if size > len(body) {
		return p, nil, false, errPacket
	}
	if kind == octetsBinary {
		p, err = decodeBinary(body[:size], v)
	} else {
		p, err = decodeText(body[:size], v)
	}
	return p, body[size:], len(body) > size, err
}
