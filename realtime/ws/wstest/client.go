package wstest

import (
	"bufio"
	"bytes"
	"compress/flate"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"roomlog/internal/waittest"
)

// Timeout is the maximum time that a test waits for an expected frame.
const Timeout = waittest.Timeout

// The FIN bit and the opcodes of RFC 6455, which form the first byte of a frame.
const (
	Fin      = 0x80
	OpText   = 0x1
	OpBinary = 0x2
	OpClose  = 0x8
	OpPing   = 0x9
	OpPong   = 0xA
)

// Client is one WebSocket connection that reads and writes single frames.
type Client struct {
	T    testing.TB
	Conn net.Conn
	In   *bufio.Reader

	Inflates   bool // whether the client accepts compressed messages
	Compressed int  // number of compressed messages that the client has received
	Inflater

	deadline time.Time   // when the read of the last frame failed or would have failed
	kept     atomic.Bool // whether the next frame shares the timeout of the last one
}

// UpgradeRequest is the start of an upgrade request, without the empty line at its end.
const UpgradeRequest = "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: IHfMdf8a0aQXbwQO1pkGdA==\r\n"

// Dial connects and upgrades. It sends the bytes more in the same write as the request.
func Dial(t testing.TB, addr string, more ...byte) *Client {
	t.Helper()
	return Upgrade(t, Connect(t, addr, 0), more...)
}

// DialTLS connects with TLS, without checking the certificate, and upgrades.
func DialTLS(t testing.TB, addr string) *Client {
	t.Helper()
	return Upgrade(t, tls.Client(Connect(t, addr, 0), &tls.Config{InsecureSkipVerify: true}))
}

// Connect opens a TCP connection. The end of the test closes it. receiveBuffer is the size of its receive buffer in
// bytes; 0 keeps the default.
func Connect(t testing.TB, addr string, receiveBuffer int) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if receiveBuffer > 0 {
		if err := conn.(*net.TCPConn).SetReadBuffer(receiveBuffer); err != nil {
			t.Fatal(err)
		}
	}
	return conn
}

// Upgrade upgrades a connection. It sends the bytes more in the same write as the request.
func Upgrade(t testing.TB, conn net.Conn, more ...byte) *Client {
	t.Helper()
	c := NewClient(t, conn)
	response := c.Handshake("", more...) //nolint:bodyclose // an upgrade has no body
	if response.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(response.Body)
		t.Fatalf("the upgrade got the response %d %s", response.StatusCode, body)
	}
	if got := response.Header.Get("Sec-WebSocket-Accept"); got != "aWAY+V/uyz5ILZEoWuWdxjnlb7E=" {
		t.Fatalf("Sec-WebSocket-Accept = %q", got)
	}
	return c
}

// NewClient returns a client on a connection that has not been upgraded.
func NewClient(t testing.TB, conn net.Conn) *Client {
	return &Client{T: t, Conn: conn, In: bufio.NewReader(conn)}
}

// Handshake sends the upgrade request with additional header lines, followed by the bytes more. It returns the
// response.
func (c *Client) Handshake(headers string, more ...byte) *http.Response {
	c.T.Helper()
	c.Write(append([]byte(UpgradeRequest+headers+"\r\n"), more...)...)
	_ = c.Conn.SetReadDeadline(time.Now().Add(Timeout))
	response, err := http.ReadResponse(c.In, nil)
	if err != nil {
		c.T.Fatal(err)
	}
	return response
}

// Write writes raw bytes. The read of the next frame has a timeout of its own, because the frame may be the response.
func (c *Client) Write(p ...byte) {
	c.T.Helper()
	c.kept.Store(false)
	_ = c.Conn.SetWriteDeadline(time.Now().Add(Timeout))
	if _, err := c.Conn.Write(p); err != nil {
		c.T.Fatal(err)
	}
}

// MaskedFrame returns a masked frame. Its mask is zero, so tests can read the payload.
func MaskedFrame(first byte, payload string) []byte {
	f := []byte{first}
	switch n := len(payload); {
	case n < 126:
		f = append(f, 0x80|byte(n))
	case n < 1<<16:
		f = binary.BigEndian.AppendUint16(append(f, 0x80|126), uint16(n))
	default:
		f = binary.BigEndian.AppendUint64(append(f, 0x80|127), uint64(n))
	}
	return append(append(f, 0, 0, 0, 0), payload...)
}

// ClosePayload returns the payload of a close frame.
func ClosePayload(code uint16, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, code)) + reason
}

// SendText sends a text message.
func (c *Client) SendText(message string) { c.T.Helper(); c.Write(MaskedFrame(Fin|OpText, message)...) }

// ReadFrame reads a frame. It fails after Timeout. The pings that are read one after another share one timeout until the client writes, so
// that a client that skips pings does not wait for ever.
func (c *Client) ReadFrame() (opcode byte, payload string, err error) {
	if !c.kept.Load() {
		c.deadline = time.Now().Add(Timeout)
	}
	_ = c.Conn.SetReadDeadline(c.deadline)
	var header [2]byte
	if _, err := io.ReadFull(c.In, header[:]); err != nil {
		return 0, "", err
	}
	packed := c.Inflates && header[0]&0xf0 == 0xc0
	if header[0]&0x70 != 0 && !packed || header[1]&0x80 != 0 {
		return 0, "", fmt.Errorf("a header that no server sends: %x", header)
	}
	n := uint64(header[1])
	if n >= 126 {
		extended := make([]byte, map[uint64]int{126: 2, 127: 8}[n])
		if _, err := io.ReadFull(c.In, extended); err != nil {
			return 0, "", err
		}
		n = 0
		for _, b := range extended {
			n = n<<8 | uint64(b)
		}
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(c.In, body); err != nil {
		return 0, "", err
	}
	if packed {
		c.Compressed++
		var err error
		if body, err = c.Inflate(body); err != nil {
			return 0, "", err
		}
	}
	opcode = header[0] & 0x0f
	c.kept.Store(opcode == OpPing)
	return opcode, string(body), nil
}

// KeepDeadline makes the next frame share the timeout of the last one, unless the client writes meanwhile. A client that skips frames that
// arrive for as long as the server runs does not wait for ever.
func (c *Client) KeepDeadline() { c.kept.Store(true) }

// ExpectText fails the test unless the next message, apart from pings, is want.
func (c *Client) ExpectText(want string) {
	c.T.Helper()
	for {
		opcode, payload, err := c.ReadFrame()
		switch {
		case err != nil:
			c.T.Fatalf("waiting for %.80q: %v", want, err)
		case opcode == OpPing:
			continue
		case opcode != OpText || payload != want:
			c.T.Fatalf("got opcode %d %.80q, want text %.80q", opcode, payload, want)
		}
		return
	}
}

// ExpectClose skips frames until a close frame. It fails the test unless the code is want and the connection then ends.
// It returns the reason.
func (c *Client) ExpectClose(want uint16) (reason string) {
	c.T.Helper()
	for {
		opcode, payload, err := c.ReadFrame()
		if err != nil {
			c.T.Fatalf("waiting for close code %d: %v", want, err)
		}
		if opcode != OpClose {
			continue
		}
		if got := binary.BigEndian.Uint16([]byte(payload)); got != want {
			c.T.Fatalf("closed with %d %q, want %d", got, payload[2:], want)
		}
		if _, _, err := c.ReadFrame(); !errors.Is(err, io.EOF) {
			c.T.Fatalf("after the close frame: %v, want EOF", err)
		}
		_ = c.Conn.Close()
		return payload[2:]
	}
}

// Inflater decompresses messages of a connection. A message may refer to bytes of earlier messages.
type Inflater struct{ window []byte }

func (i *Inflater) Inflate(payload []byte) ([]byte, error) {
	const tail = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"
	plain, err := io.ReadAll(flate.NewReaderDict(io.MultiReader(bytes.NewReader(payload), strings.NewReader(tail)), i.window))
	i.window = append(i.window, plain...)
	i.window = slices.Clone(i.window[max(0, len(i.window)-32<<10):])
	return plain, err
}
