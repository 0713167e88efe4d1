package tracetest_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"roomlog/internal/tracing/tracetest"
	"roomlog/internal/waittest"
)

// TestBrokenRequest checks that an exporter that is killed while it sends a request does not fail the test.
func TestBrokenRequest(t *testing.T) {
	t.Parallel()
	receiver := tracetest.Start(t)
	begun := make(chan struct{})
	receiver.Refuse(func(http.ResponseWriter, *http.Request) bool {
		close(begun)
		return false
	})
	conn, err := net.Dial("tcp", strings.TrimPrefix(receiver.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	request := "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Encoding: gzip\r\nContent-Length: 100\r\n\r\nx"
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	waittest.Receive(t, begun, "the request")
	if err := conn.Close(); err != nil { // the end of the test waits for the receiver
		t.Fatal(err)
	}
}
