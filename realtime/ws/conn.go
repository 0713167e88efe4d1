package ws

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/lxzan/gws"
)

// Peer is what the layer above makes of a connection. Its methods are called one after another, by the
// goroutine that reads the connection: while one of them runs, nothing more is read.
type Peer interface {
	// Text is called for every whole text message. The bytes are the connection's own and change after
	// Text returned.
	Text(message []byte)
	// Closed is called once, when nothing more will be read: with the code that ended the connection,
	// ours or the client's, or CloseLost if it ended without one.
	Closed(code uint16, reason string)
}

// BinaryPeer is a Peer that takes binary messages too. The connections of others are closed with
// CloseUnsupported when one comes.
type BinaryPeer interface {
	Peer
	// Binary is called for every whole binary message, as Text is for text.
	Binary(message []byte)
}

// Conn is one WebSocket connection. Its methods may be called by any goroutine at any time, and none of them
// waits for the network.
type Conn struct {
	sockets *Server
	raw     net.Conn
	peer    Peer   // set under mu; only the reading goroutine may look at it without
	address string // of the client, as the gate counts it
	serial  uint32 // spreads the connections over the workers
	packs   bool   // takes compressed messages
	index   int    // place in Sockets.conns, guarded by Sockets.mu

	opened  time.Duration // on the clock of Sockets.since, like the next two
	pinged  time.Duration // used by the tender only
	seen    atomic.Int64  // when the last frame came
	greeted atomic.Bool

	// Used by the reading goroutine only.
	early    []byte // what the HTTP server had read beyond the request
	guard    guard
	refused  *violation
	answered bool // the connection ended with our answer to the client's close frame, or to a bad one

	mu     sync.Mutex
	socket syscall.RawConn // nil: not a TCP connection, every write takes the queue
	try    attempt
	out    *outbox // nil: the socket takes what it is given
	knows  knowledge
	ending bool // nothing more may be sent
	gone   bool // and nothing can be
	code   uint16
	reason string
}

// Address is the client's address as the gate saw it.
func (c *Conn) Address() string { return c.address }

// Serial returns the number of the connection within its Sockets, counted from 1.
func (c *Conn) Serial() uint32 { return c.serial }

// OpenedAt returns the time at which the connection was accepted.
func (c *Conn) OpenedAt() time.Time { return c.sockets.start.Add(c.opened) }

// Peer returns the Peer that Open created for the connection, or nil while Open runs.
func (c *Conn) Peer() Peer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.peer
}

// Identified says that the client introduced itself in time; until then the connection lives for
// Config.HelloTimeout only.
func (c *Conn) Identified() { c.greeted.Store(true) }

// read hands what comes to the peer until the connection ends, and ends it properly. It runs in a goroutine
// of its own, so that the HTTP request can be forgotten.
func (c *Conn) read(socket *gws.Conn) {
	defer c.finish()
	defer c.catch()
	socket.ReadLoop()
}

// catch turns a panic of the peer, or of the library, into the end of this one connection.
func (c *Conn) catch() {
	fault := recover()
	if fault == nil {
		return
	}
	c.sockets.stats.Panics.Add(1)
	c.sockets.log.Error("a connection panicked", slog.Any("fault", fault), slog.String("stack", string(debug.Stack())))
	c.Close(CloseInternal, "internal error")
}

// finish runs when nothing more is read: it tells the peer, waits for what is still to be written (never
// longer than closeWait) and gives everything back.
func (c *Conn) finish() {
	c.lost()
	c.mu.Lock()
	code, reason, out := c.code, c.reason, c.out
	c.mu.Unlock()
	if c.peer != nil {
		func() {
			defer c.catch()
			c.peer.Closed(code, reason)
		}()
	}
	if out != nil {
		<-out.done
	}
	c.linger()
	_ = c.raw.Close()
	c.sockets.remove(c, code)
}

// linger lets the client read the close frame: closing a socket while bytes of the client are unread resets
// it, and the reset overtakes the frame. Who keeps sending is not read any more, but gets the same time.
func (c *Conn) linger() {
	c.mu.Lock()
	gone := c.gone
	c.mu.Unlock()
	if gone {
		return
	}
	if half, ok := c.raw.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	deadline := c.sockets.now().Add(lingerTime)
	_ = c.raw.SetReadDeadline(deadline)
	if _, err := io.CopyN(io.Discard, c.raw, lingerBytes); err == nil {
		time.Sleep(deadline.Sub(c.sockets.now()))
	}
}

// wire is a Conn as the WebSocket library sees it: a network connection whose reads were judged by the guard
// and whose writes never block.
type wire Conn

// Read returns what the guard accepts.
func (w *wire) Read(p []byte) (int, error) {
	c := (*Conn)(w)
	if c.refused != nil {
		c.Close(c.refused.code, c.refused.reason)
	}
	if c.Ended() {
		return 0, net.ErrClosed
	}
	n, err := c.receive(p)
	if err != nil {
		c.lost()
		return 0, err
	}
	now := c.sockets.now()
	frames, good, why := c.guard.scan(p[:n], now)
	if frames > 0 {
		c.seen.Store(int64(c.sockets.since(now)))
		c.sockets.stats.FramesIn.Add(int64(frames))
	}
	if why != nil {
		c.refused = why // by the next Read: what came before it is still handled
		if good == 0 {
			return w.Read(nil)
		}
	}
	return good, nil
}

// receive reads what came with the request first.
func (c *Conn) receive(p []byte) (int, error) {
	if len(c.early) == 0 {
		return c.raw.Read(p)
	}
	n := copy(p, c.early)
	if c.early = c.early[n:]; len(c.early) == 0 {
		c.early = nil
	}
	return n, nil
}

// Write sends what the library wants to say: its answer to the upgrade request, and close frames (pings are
// answered by us). A close frame ends the connection.
func (w *wire) Write(p []byte) (int, error) {
	c := (*Conn)(w)
	if p[0]&0x0f != opClose || p[0]&0x80 == 0 {
		f := &Frame{wire: answered(p)}
		c.offer(f.wire, []*Frame{f})
		return len(p), nil
	}
	f := &Frame{wire: bytes.Clone(p)}
	code, reason := parseClose(p[2:])
	if code == CloseInternal { // what it says of a message that cannot be inflated, which is no fault of ours
		code, reason = CloseEncoding, "cannot be inflated within the limits"
		f = closeFrame(code, reason)
	}
	c.answered = c.end(code, reason, f)
	return len(p), nil
}

// Close does nothing: a connection is closed by finish, after its close frame was written.
func (w *wire) Close() error { return nil }

// LocalAddr is the server's end.
func (w *wire) LocalAddr() net.Addr { return w.raw.LocalAddr() }

// RemoteAddr is the other end of the TCP connection, which may be a proxy.
func (w *wire) RemoteAddr() net.Addr { return w.raw.RemoteAddr() }

// SetDeadline does nothing: the tender watches the reading side, and writing never blocks.
func (w *wire) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing, like SetDeadline.
func (w *wire) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing, like SetDeadline.
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// events receives what the library read from any connection.
type events struct{ gws.BuiltinEventHandler }

// OnPing answers with the same payload.
func (events) OnPing(socket *gws.Conn, payload []byte) {
	connOf(socket).Send(newFrame(opPong, payload))
}

// OnMessage hands a message to the peer, unless the connection has ended meanwhile.
func (events) OnMessage(socket *gws.Conn, message *gws.Message) {
	defer message.Close()
	c := connOf(socket)
	switch {
	case c.Ended():
	case message.Opcode == gws.OpcodeText:
		c.peer.Text(message.Bytes())
	default: // the guard lets binary messages through for a BinaryPeer only
		c.peer.(BinaryPeer).Binary(message.Bytes())
	}
}

// OnClose learns the client's own close code; the library answered it already, with what is allowed to be
// sent.
func (events) OnClose(socket *gws.Conn, err error) {
	c := connOf(socket)
	var said *gws.CloseError
	if errors.As(err, &said) && c.answered {
		c.said(said.Code, said.Reason)
	}
}

func connOf(socket *gws.Conn) *Conn { return (*Conn)(socket.NetConn().(*wire)) }

// said notes with which words the client left.
func (c *Conn) said(code uint16, reason []byte) {
	if code == 0 {
		code = CloseNoStatus
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.code, c.reason = code, strings.ToValidUTF8(string(reason), "\uFFFD")
}

func parseClose(payload []byte) (code uint16, reason string) {
	if len(payload) < 2 {
		return CloseNoStatus, ""
	}
	return uint16(payload[0])<<8 | uint16(payload[1]), string(payload[2:])
}
