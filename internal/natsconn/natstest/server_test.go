package natstest_test

import (
	"net"
	"strings"
	"testing"

	"roomlog/internal/natsconn/natstest"
)

// TestStoppedServerKeepsItsPort takes every free port of a range around that of a stopped server, as other programs may.
func TestStoppedServerKeepsItsPort(t *testing.T) {
	s := natstest.Start(t)
	s.Stop()
	address := strings.TrimPrefix(s.URL, "nats://")
	for range 3000 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			break // none is left
		}
		defer l.Close()
		if l.Addr().String() == address {
			t.Fatal("the system gave the port to another listener")
		}
	}
	s.Restart()
	if conn := s.Connect(); !conn.IsConnected() {
		t.Error("the server is not reached at its former address")
	}
}
