package engineio

import (
	"bytes"
	"testing"

	"roomlog/realtime/ws"
)

// FuzzPayload checks that no body causes a panic, and that encoding the packets of a body gives the same packets.
func FuzzPayload(f *testing.F) {
	for _, body := range []string{"4hello", "4a\x1ebAQID\x1e2", "6:4hello10:b4AQIDBA==", "3:4😀", "2:4😀", `7:42["é"]`, `8:42["Ã©"]`, "0:", "1:", "999999999:4",
		"\x00\x06\xff4hello\x01\x05\xff\x04\x01\x02\x03\x04", "\x01\xff", "\x00\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\xff", "", ":", "\x1e\x1e"} {
		for mode := range byte(3) {
			f.Add([]byte(body), mode)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, mode byte) {
		v, octets := V3, mode%3 == 1
		if mode%3 == 2 {
			v = V4
		}
		packets, err := read(body, v, octets)
		if err != nil {
			return
		}
		s := &Session{asText: !octets}
		s.version.Store(int32(v))
		var frames []*ws.Frame
		for _, p := range packets {
			if p.binary {
				frames = append(frames, s.Binary(p.data))
			} else {
				frames = append(frames, ws.TextFrame(append([]byte{p.kind}, p.data...)))
			}
		}
		again, inOctets := encodePayload(frames, v)
		got, err := read(again, v, inOctets)
		if err != nil || len(got) != len(packets) {
			t.Fatalf("%q became %q: %v", body, again, err)
		}
		for i, p := range packets {
			if v == V3 && !inOctets && !p.binary { // JSON is sent in ASCII
				p.data = escapeJSON(append([]byte{p.kind}, p.data...))[1:]
			}
			if p.kind != got[i].kind || p.binary != got[i].binary || !bytes.Equal(p.data, got[i].data) {
				t.Fatalf("packet %d of %q became another in %q", i, body, again)
			}
		}
	})
}

func read(body []byte, v Version, octets bool) (packets []packet, err error) {
	err = decodePayload(body, v, octets, func(p packet) bool {
		packets = append(packets, p)
		return true
	})
	return packets, err
}
