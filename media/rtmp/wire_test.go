package rtmp_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"roomlog/media/amf"
	"roomlog/media/rtmp"
)

// timeout is the time that a test waits for something that should happen at once.
const timeout = 3 * time.Minute

// pair is a connection: the server side as a Conn, the client side as bytes.
func pair(t testing.TB, cfg rtmp.Config) (*rtmp.Conn, *client) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	theirs, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ours, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { theirs.Close(); ours.Close() })
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	for _, d := range []*time.Duration{&cfg.HandshakeTimeout, &cfg.MessageTimeout, &cfg.ControlTimeout, &cfg.MediaTimeout} {
		if *d == 0 {
			*d = timeout
		}
	}
	return rtmp.NewConn(ours, cfg), listen(theirs)
}

// client writes the bytes that a test passes to it, and stores all bytes that it reads.
type client struct {
	net.Conn
	mu    sync.Mutex
	heard bytes.Buffer
	ended chan struct{} // the server has closed its side
}

func listen(conn net.Conn) *client {
	c := &client{Conn: conn, ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		defer conn.Close()
		buf := make([]byte, 32<<10)
		for {
			n, err := conn.Read(buf)
			c.mu.Lock()
			c.heard.Write(buf[:n])
			c.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return c
}

func (c *client) hears(text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Contains(c.heard.Bytes(), []byte(text))
}

// expect waits until the input of the client contains text.
func (c *client) expect(t testing.TB, text string) {
	t.Helper()
	eventually(t, "the response contains "+text, func() bool { return c.hears(text) })
}

// send writes and ignores errors, because the server may have closed the connection.
func (c *client) send(parts ...[]byte) {
	for _, b := range parts {
		if _, err := c.Write(b); err != nil {
			return
		}
	}
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(timeout); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting until %s", what)
		}
		<-time.After(time.Millisecond)
	}
}

func greeting() []byte { return append([]byte{3}, make([]byte, 2*1536)...) } // with the echo of the server's bytes

// header returns a chunk header of type 0.
func header(cs, kind byte, length int, stamp uint32) []byte {
	short := min(stamp, 0xffffff)
	b := []byte{cs, byte(short >> 16), byte(short >> 8), byte(short), byte(length >> 16), byte(length >> 8), byte(length), kind, 1, 0, 0, 0}
	if short == 0xffffff {
		b = binary.BigEndian.AppendUint32(b, stamp)
	}
	return b
}

// message returns a message in chunks of 128 bytes, without extended timestamps.
func message(kind byte, payload []byte) []byte {
	b := header(3, kind, len(payload), 0)
	for {
		n := min(len(payload), 128)
		b = append(b, payload[:n]...)
		if payload = payload[n:]; len(payload) == 0 {
			return b
		}
		b = append(b, 3<<6|3)
	}
}

func command(values ...any) []byte { return message(20, amf.Encode(values...)) }

func chunkSize(n uint32) []byte { return message(1, binary.BigEndian.AppendUint32(nil, n)) }

func connect(app string) []byte { return command("connect", 1, amf.Object{"app": app}) }

func toPublish(name string) []byte {
	return bytes.Join([][]byte{greeting(), connect("live"), command("createStream", 2, nil), command("publish", 3, nil, name, "live")}, nil)
}

func toPlay(name string) []byte {
	return bytes.Join([][]byte{greeting(), connect("live"), command("createStream", 2, nil), command("play", 3, nil, name)}, nil)
}

// open reads a connection up to the request of the client.
func open(c *rtmp.Conn) (rtmp.Request, error) {
	if _, err := c.ReadConnect(); err != nil {
		return rtmp.Request{}, err
	}
	return c.ReadRequest()
}

// publishing returns a connection whose client may send media.
func publishing(t testing.TB, cfg rtmp.Config) (*rtmp.Conn, *client) {
	t.Helper()
	conn, c := pair(t, cfg)
	c.send(toPublish("KEY"))
	accept(t, conn)
	return conn, c
}

func accept(t testing.TB, conn *rtmp.Conn) {
	t.Helper()
	if _, err := open(conn); err != nil {
		t.Fatal(err)
	}
	if err := conn.Accept(); err != nil {
		t.Fatal(err)
	}
}

// isClosed reports whether an error means that the client has closed the connection.
func isClosed(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &op)
}
