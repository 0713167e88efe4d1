package protocol

import (
	"bytes"
	"testing"
)

// FuzzPacket checks that no string causes a panic, and that decoding an encoded packet gives the same packet.
func FuzzPacket(f *testing.F) {
	for _, p := range []string{"0", `0/admin?token=1,{"a":1}`, "1/custom", `2["message",{"a":[1]}]`, `312["x"]`,
		`52-/custom,3["m",{"_placeholder":true,"num":0},{"_placeholder":true,"num":-1},{"_placeholder":true,"num":1e9}]`, `6999-[]`, "4", "", "51-", "2/", "0//,?"} {
		f.Add([]byte(p))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := decode(text, 3)
		if err != nil {
			return
		}
		for range p.expects {
			p.attachments = append(p.attachments, []byte("bytes"))
		}
		again, err := decode(p.encode(), 3)
		if err != nil || again.kind != p.kind || again.namespace != p.namespace || again.id != p.id || again.expects != p.expects || !bytes.Equal(again.data, p.data) {
			t.Fatalf("%q became %q: %v", text, p.encode(), err)
		}
		if p.kind == typeConnect || p.kind == typeDisconnect {
			return
		}
		e, err := parseEvent(&p)
		if err != nil {
			return
		}
		values, err := e.Values()
		if err != nil {
			return
		}
		if data, attachments := encodeArguments(values); len(data) == 0 || len(attachments) > 0 && len(p.attachments) == 0 {
			t.Fatalf("%q has the values %v", text, values)
		}
	})
}
