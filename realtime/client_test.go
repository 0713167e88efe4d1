package realtime_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"roomlog/realtime"
)

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

const (
	fin     = 0x80
	text    = 0x1
	bin     = 0x2
	closing = 0x8
	ping    = 0x9
	pong    = 0xA
)

// peer records what happens to a connection.
type peer struct {
	conn   *realtime.Conn
	onText func(p *peer, message string)
	texts  chan string
	closed chan ending
}

type ending struct {
	code   uint16
	reason string
}

func (p *peer) Text(message []byte) {
	if p.onText != nil {
		p.onText(p, string(message))
		return
	}
	p.texts <- string(message)
}

func (p *peer) Closed(code uint16, reason string) { p.closed <- ending{code, reason} }

// server runs Sockets behind a real HTTP server.
type server struct {
	*realtime.Sockets
	addr  string
	peers chan *peer
}

// serve starts a server that echoes nothing; each new connection's peer comes out of peers.
func serve(t testing.TB, change func(*realtime.SocketConfig)) *server {
	t.Helper()
	return serveOn(t, listen(t), nil, change)
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func serveOn(t testing.TB, l net.Listener, wrap func(http.Handler) http.Handler, change func(*realtime.SocketConfig)) *server {
	t.Helper()
	s := &server{addr: l.Addr().String(), peers: make(chan *peer, 10_000)}
	cfg := realtime.SocketConfig{Now: time.Now, HelloTimeout: -1}
	if change != nil {
		change(&cfg)
	}
	inner := cfg.Open
	cfg.Open = func(c *realtime.Conn, r *http.Request) realtime.Peer {
		if inner != nil {
			return inner(c, r)
		}
		p := &peer{conn: c, texts: make(chan string, 1000), closed: make(chan ending, 1)}
		s.peers <- p
		return p
	}
	s.Sockets = realtime.NewSockets(cfg)
	var handler http.Handler = s.Sockets
	if wrap != nil {
		handler = wrap(handler)
	}
	web := &http.Server{Handler: handler, ReadHeaderTimeout: patience}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = s.Run(ctx) })
	running.Go(func() { _ = web.Serve(l) })
	t.Cleanup(func() {
		ctx, stop := context.WithTimeout(context.Background(), patience)
		defer stop()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		_ = web.Close()
		cancel()
		running.Wait()
	})
	return s
}

// client is a WebSocket client that can be as wrong as a test wants.
type client struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader

	inflates bool // may be sent compressed messages
	packed   int  // and was sent so many
	inflater
}

const upgradeRequest = "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: IHfMdf8a0aQXbwQO1pkGdA==\r\n"

// dial connects, and sends more right behind the request.
func dial(t testing.TB, addr string, more ...byte) *client {
	t.Helper()
	return upgraded(t, connect(t, addr, 0), more...)
}

func dialTLS(t testing.TB, addr string) *client {
	t.Helper()
	return upgraded(t, tls.Client(connect(t, addr, 0), &tls.Config{InsecureSkipVerify: true}))
}

func connect(t testing.TB, addr string, receiveBuffer int) net.Conn {
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

func upgraded(t testing.TB, conn net.Conn, more ...byte) *client {
	t.Helper()
	c := newClient(t, conn)
	answer := c.request("", more...)
	if answer.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(answer.Body)
		t.Fatalf("the upgrade was answered with %d %s", answer.StatusCode, body)
	}
	if got := answer.Header.Get("Sec-WebSocket-Accept"); got != "aWAY+V/uyz5ILZEoWuWdxjnlb7E=" {
		t.Fatalf("Sec-WebSocket-Accept = %q", got)
	}
	return c
}

func newClient(t testing.TB, conn net.Conn) *client {
	return &client{t: t, conn: conn, in: bufio.NewReader(conn)}
}

// request sends the upgrade request with more header lines and more bytes behind it.
func (c *client) request(headers string, more ...byte) *http.Response {
	c.t.Helper()
	c.send(append([]byte(upgradeRequest+headers+"\r\n"), more...)...)
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	answer, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer
}

// send writes raw bytes.
func (c *client) send(p ...byte) {
	c.t.Helper()
	_ = c.conn.SetWriteDeadline(time.Now().Add(patience))
	if _, err := c.conn.Write(p); err != nil {
		c.t.Fatal(err)
	}
}

// frame is a masked frame; the mask changes nothing, which makes tests readable.
func frame(first byte, payload string) []byte {
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

func closePayload(code uint16, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, code)) + reason
}

// say sends a text message.
func (c *client) say(message string) { c.t.Helper(); c.send(frame(fin|text, message)...) }

// next reads a frame.
func (c *client) next() (opcode byte, payload string, err error) {
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	var header [2]byte
	if _, err := io.ReadFull(c.in, header[:]); err != nil {
		return 0, "", err
	}
	packed := c.inflates && header[0]&0xf0 == 0xc0
	if header[0]&0x70 != 0 && !packed || header[1]&0x80 != 0 {
		return 0, "", fmt.Errorf("a header that no server sends: %x", header)
	}
	n := uint64(header[1])
	if n >= 126 {
		extended := make([]byte, map[uint64]int{126: 2, 127: 8}[n])
		if _, err := io.ReadFull(c.in, extended); err != nil {
			return 0, "", err
		}
		n = 0
		for _, b := range extended {
			n = n<<8 | uint64(b)
		}
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(c.in, body); err != nil {
		return 0, "", err
	}
	if packed {
		c.packed++
		var err error
		if body, err = c.inflate(body); err != nil {
			return 0, "", err
		}
	}
	return header[0] & 0x0f, string(body), nil
}

// hear expects a text message, passing pings by.
func (c *client) hear(want string) {
	c.t.Helper()
	for {
		opcode, payload, err := c.next()
		switch {
		case err != nil:
			c.t.Fatalf("waiting for %.80q: %v", want, err)
		case opcode == ping:
			continue
		case opcode != text || payload != want:
			c.t.Fatalf("got opcode %d %.80q, want text %.80q", opcode, payload, want)
		}
		return
	}
}

// closedWith expects a close frame, passing everything else by, and then the end of the connection.
func (c *client) closedWith(want uint16) (reason string) {
	c.t.Helper()
	for {
		opcode, payload, err := c.next()
		if err != nil {
			c.t.Fatalf("waiting for close code %d: %v", want, err)
		}
		if opcode != closing {
			continue
		}
		if got := binary.BigEndian.Uint16([]byte(payload)); got != want {
			c.t.Fatalf("closed with %d %q, want %d", got, payload[2:], want)
		}
		if _, _, err := c.next(); !errors.Is(err, io.EOF) {
			c.t.Fatalf("after the close frame: %v, want EOF", err)
		}
		_ = c.conn.Close()
		return payload[2:]
	}
}

func receive[T any](t testing.TB, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// eventually polls until ok, as the counters have nobody to tell.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}
