package ws

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/lxzan/gws"
)

const (
	// lingerTime is the time for which a client can read the close frame before the socket is closed.
	lingerTime = time.Second
	// lingerBytes is the maximum number of bytes that are read from the client during lingerTime.
	lingerBytes = 1 << 20
)

// read passes messages to the peer until the connection ends, and then finishes the connection. It runs in its own
// goroutine, so that the memory of the HTTP request is freed. Server.Shutdown waits for it.
func (c *Conn) read(socket *gws.Conn) {
	defer c.finish()
	defer c.recover()
	socket.ReadLoop()
}

// recover recovers from a panic of the peer or of gws and closes the connection with CloseInternal.
func (c *Conn) recover() {
	fault := recover()
	if fault == nil {
		return
	}
	c.shared.stats.Panics.Add(1)
	c.shared.log.Error("connection panicked", slog.Any("error", fault), slog.String("stack", string(debug.Stack())))
	c.Close(CloseInternal, "internal error")
}

// finish runs after the last read. It calls Peer.Closed, waits until the queue is written (at most closeTimeout),
// closes the socket and releases the slot.
func (c *Conn) finish() {
	c.endLost()
	c.mu.Lock()
	code, reason, out := c.code, c.reason, c.out
	c.mu.Unlock()
	if c.peer != nil {
		func() {
			defer c.recover()
			c.peer.Closed(code, reason)
		}()
	}
	if out != nil {
		<-out.done
	}
	c.linger()
	_ = c.raw.Close()
	c.shared.removed(c, code)
}

// linger gives the client time to read the close frame. If a socket is closed while it contains unread bytes, the
// operating system resets the connection, and the client may never read the frame.
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
	deadline := c.shared.now().Add(lingerTime)
	_ = c.raw.SetReadDeadline(deadline)
	if _, err := io.CopyN(io.Discard, c.raw, lingerBytes); err == nil { // the client continues to send: stop reading, but wait until the deadline
		time.Sleep(deadline.Sub(c.shared.now()))
	}
}

// netConn is a Conn as the net.Conn that gws uses. Its reads are validated and its writes never block.
type netConn Conn

// Read returns bytes that the validator has accepted.
func (w *netConn) Read(p []byte) (int, error) {
	c := (*Conn)(w)
	if c.refused != nil {
		c.Close(c.refused.Code, c.refused.Reason)
	}
	if c.Ended() {
		return 0, net.ErrClosed
	}
	if len(c.inserted) > 0 {
		n := copy(p, c.inserted)
		c.inserted = c.inserted[n:]
		return n, nil
	}
	n, err := c.receive(p)
	if err != nil {
		c.endLost()
		return 0, err
	}
	now := c.shared.now()
	frames, good, inserted, rest, refused := c.validator.Split(p[:n], now)
	if frames > 0 {
		c.lastFrame.Store(int64(c.shared.since(now)))
		c.shared.stats.FramesIn.Add(int64(frames))
	}
	c.inserted = inserted
	if len(rest) > 0 {
		c.early = append(bytes.Clone(rest), c.early...)
	}
	c.refused = refused // the next Read closes the connection, so that the frames before are still handled
	if good == 0 {
		return w.Read(p)
	}
	return good, nil
}

// receive first returns the bytes that the HTTP server has read with the request, and then reads from the socket.
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

// Write sends the bytes that gws writes: the response to the upgrade request, and close frames. A close frame ends the
// connection. Pongs are sent by messageHandler.
func (w *netConn) Write(p []byte) (int, error) {
	c := (*Conn)(w)
	if p[0]&0x0f != opClose || p[0]&0x80 == 0 {
		f := &Frame{wire: withServerContext(p)}
		c.offer(f.wire, []*Frame{f}, nil)
		return len(p), nil
	}
	f := &Frame{wire: bytes.Clone(p)}
	code, reason := parseClose(p[2:])
	if code == CloseInternal { // gws uses this code for a message that cannot be inflated, which is a fault of the client
		code, reason = CloseEncoding, "cannot be inflated within the limits"
		f = closeFrame(code, reason)
	}
	if name, found := strings.CutPrefix(reason, "gws: "); found { // the client need not know the library
		reason = name
		f = closeFrame(code, reason)
	}
	c.replied = c.end(code, reason, f)
	return len(p), nil
}

// Close does nothing: finish closes the connection after its close frame was written.
func (w *netConn) Close() error { return nil }

// LocalAddr returns the address of the server.
func (w *netConn) LocalAddr() net.Addr { return w.raw.LocalAddr() }

// RemoteAddr returns the address of the other end of the TCP connection, which may be a proxy.
func (w *netConn) RemoteAddr() net.Addr { return w.raw.RemoteAddr() }

// SetDeadline does nothing, because Server.Run closes silent connections, and writes never block.
func (w *netConn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing, like SetDeadline.
func (w *netConn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing, like SetDeadline.
func (w *netConn) SetWriteDeadline(time.Time) error { return nil }

// messageHandler handles the messages and control frames that gws has read from a connection.
type messageHandler struct{ gws.BuiltinEventHandler }

// OnPing sends a pong with the same payload.
func (messageHandler) OnPing(socket *gws.Conn, payload []byte) {
	connOf(socket).Send(newFrame(opPong, payload))
}

// OnMessage passes a message to the peer, unless the connection has ended.
func (messageHandler) OnMessage(socket *gws.Conn, message *gws.Message) {
	defer message.Close()
	c := connOf(socket)
	handle := func() {
		if message.Opcode == gws.OpcodeText {
			c.peer.Text(message.Bytes())
			return
		}
		c.peer.(BinaryPeer).Binary(message.Bytes()) // the validator accepts binary messages for a BinaryPeer only
	}
	switch {
	case c.Ended():
	case c.identified.Load():
		handle()
	default:
		c.handleHello(handle)
	}
}

// handleHello runs handle, which handles a message of a client that has not identified itself. Meanwhile the connection
// does not wait for its client: a slow database must not end it. Only the first message also protects the slot, so that
// no client can keep its slot by sending messages.
func (c *Conn) handleHello(handle func()) {
	due, begun := c.helloDue.Swap(math.MaxInt64), c.shared.now()
	first := !c.addressed
	c.addressed = true
	if first {
		c.slot.Busy()
	}
	defer func() {
		if due != math.MaxInt64 {
			c.helloDue.Store(due + int64(c.shared.now().Sub(begun)))
		}
		if !first {
			return
		}
		c.slot.Wait(c.evict)
		if c.identified.Load() { // maybe only now, by another goroutine
			c.slot.Busy()
		}
	}()
	handle()
}

// OnClose records the close code of the client. gws has already replied with a code that may be sent.
func (messageHandler) OnClose(socket *gws.Conn, err error) {
	c := connOf(socket)
	var closing *gws.CloseError
	if errors.As(err, &closing) && c.replied {
		c.recordClose(closing.Code, closing.Reason)
	}
}

func connOf(socket *gws.Conn) *Conn { return (*Conn)(socket.NetConn().(*netConn)) }

// recordClose sets the code and reason for Peer.Closed to those that the client sent.
func (c *Conn) recordClose(code uint16, reason []byte) {
	if code == 0 {
		code = CloseNoStatus
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.code, c.reason = code, strings.ToValidUTF8(string(reason), "\uFFFD")
}

// parseClose decodes the payload of a close frame.
func parseClose(payload []byte) (code uint16, reason string) {
	if len(payload) < 2 {
		return CloseNoStatus, ""
	}
	return uint16(payload[0])<<8 | uint16(payload[1]), string(payload[2:])
}

// noSession is an empty gws.SessionStorage. It keeps gws from creating a map for each connection.
type noSession struct{}

func (noSession) Len() int                     { return 0 }
func (noSession) Load(string) (any, bool)      { return nil, false }
func (noSession) Delete(string)                {}
func (noSession) Store(string, any)            {}
func (noSession) Range(func(string, any) bool) {}

func newUpgrader(maxMessage, readBuffer int, deflate bool) *gws.Upgrader {
	return gws.NewUpgrader(messageHandler{}, &gws.ServerOption{
		ReadMaxPayloadSize: maxMessage,
		ReadBufferSize:     readBuffer,
		CheckUtf8Enabled:   true,
		PermessageDeflate:  gws.PermessageDeflate{Enabled: deflate, PoolSize: runtime.GOMAXPROCS(0)},
		NewSession:         func() gws.SessionStorage { return noSession{} },
	})
}
