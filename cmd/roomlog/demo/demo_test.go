package demo

import (
	"net"
	"testing"

	"github.com/alecthomas/kong"
)

// TestOnlyThisComputerReachesTheDemo checks the default addresses, because the password of the operator is known.
func TestOnlyThisComputerReachesTheDemo(t *testing.T) {
	var c Command
	parser, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(nil); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{c.HTTP, c.RTMP, c.FLV} {
		if host, _, err := net.SplitHostPort(address); err != nil || !net.ParseIP(host).IsLoopback() {
			t.Errorf("the demo listens on %s by default", address)
		}
	}
}
