package natstest_test

import (
	"net"
	"strings"
	"syscall"
	"testing"

	"roomlog/internal/natsconn/natstest"
)

// TestStoppedServerKeepsItsPort checks that no program that wants a port for itself gets that of a stopped server.
func TestStoppedServerKeepsItsPort(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t)
	s.Stop()
	other := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		failed := c.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 0) })
		if failed != nil {
			return failed
		}
		return err
	}}
	if l, err := other.Listen(t.Context(), "tcp", strings.TrimPrefix(s.URL, "nats://")); err == nil {
		_ = l.Close()
		t.Error("another program gets the port")
	}
	s.Restart()
	s.Connect() // fails the test unless the server is reached at its former address
}
