package netconn_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"testing"

	"roomlog/internal/netconn"
	"roomlog/internal/waittest"
)

// TestCloseNow checks that CloseNow closes a TLS connection without close_notify. Close would wait for close_notify
// here, because the other side does not read.
func TestCloseNow(t *testing.T) {
	t.Parallel()
	web := httptest.NewUnstartedServer(nil) // used for its certificate
	web.StartTLS()
	defer web.Close()
	near, far := net.Pipe()
	server := tls.Server(near, web.TLS)
	shaken := make(chan error, 1)
	go func() { shaken <- server.Handshake() }()
	if err := tls.Client(far, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}).Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := waittest.Receive(t, shaken, "the handshake"); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- netconn.CloseNow(server) }()
	if rest, err := io.ReadAll(far); len(rest) > 0 || err != nil && !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %q, %v, want only the end of the connection", rest, err)
	}
	if err := waittest.Receive(t, closed, "the end of CloseNow"); err != nil {
		t.Error(err)
	}
}

func TestBelow(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	if got := netconn.Below(near); got != near {
		t.Errorf("below a connection without TLS is %v", got)
	}
	if got := netconn.Below(tls.Server(near, nil)); got != near {
		t.Errorf("below a TLS connection is %v", got)
	}
}
