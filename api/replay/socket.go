package replay

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/lxzan/gws"
	"golang.org/x/time/rate"

	"roomlog/internal/wsframe"
)

// A client need not send anything. It may send pings, and one small message, which closes the connection.
const (
	maxClientMessage  = 1 << 10 // maximum size of a message in bytes
	clientFrameRate   = 10      // number of frames per second
	clientFrameBurst  = 100     // number of frames at once
	clientReadsAtOnce = 512     // size in bytes of the buffer for reading
)

// Close codes (RFC 6455, section 7.4.1).
const (
	closeNormal = 1000
	closePolicy = 1008 // the client has sent a message
)

// Socket is a WebSocket to which a replay is written: a ResponseWriter that sends each line as a text message.
type Socket struct {
	conn    net.Conn
	socket  *gws.Conn
	timeout time.Duration
	now     func() time.Time
	log     *slog.Logger
	reading chan struct{} // closed when nothing reads from the connection any more

	mu     sync.Mutex // held while something is written
	frames []byte
	broken bool // whether a frame was perhaps written in part
}

// WantsSocket reports whether a request asks for a WebSocket.
func WantsSocket(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// CanUpgrade reports whether OpenSocket will accept the handshake of a request.
func CanUpgrade(r *http.Request) bool {
	return r.Method == http.MethodGet && r.ProtoMajor == 1 && strings.Contains(strings.ToLower(r.Header.Get("Connection")), "upgrade") &&
		r.Header.Get("Sec-WebSocket-Version") == "13" && r.Header.Get("Sec-WebSocket-Key") != ""
}

// OpenSocket completes the handshake of a request. The returned context ends with ctx, or when the client closes the
// connection or sends a message. Call Close at the end, also to release the resources of the context.
func OpenSocket(ctx context.Context, c Config, w http.ResponseWriter, r *http.Request) (*Socket, context.Context, error) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("open a WebSocket: %w", err)
	}
	s := &Socket{conn: conn, timeout: c.WriteTimeout, now: c.Now, log: c.Log, reading: make(chan struct{})}
	client := &clientConn{Conn: conn, s: s, from: buffered.Reader, validator: wsframe.Validator{
		Limiter: rate.NewLimiter(clientFrameRate, clientFrameBurst), Binary: true, Max: maxClientMessage,
	}}
	upgrader := gws.NewUpgrader(socketEvents{}, &gws.ServerOption{ReadMaxPayloadSize: maxClientMessage, ReadBufferSize: clientReadsAtOnce})
	if s.socket, err = upgrader.UpgradeFromConn(client, bufio.NewReaderSize(client, clientReadsAtOnce), r); err != nil {
		_ = conn.Close()
		return nil, nil, fmt.Errorf("open a WebSocket: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(s.reading)
		defer cancel()
		defer s.recoverReading(ctx)
		s.socket.ReadLoop()
	}()
	return s, ctx, nil
}

// recoverReading recovers from a panic while the connection is read, logs it and closes the connection.
func (s *Socket) recoverReading(ctx context.Context) {
	if fault := recover(); fault != nil {
		s.log.ErrorContext(ctx, "WebSocket of a replay panicked", slog.Any("panic", fault), slog.String("stack", string(debug.Stack())))
		_ = s.conn.Close()
	}
}

// Header returns headers that nobody receives.
func (s *Socket) Header() http.Header { return http.Header{} }

// WriteHeader does nothing.
func (s *Socket) WriteHeader(int) {}

// SetWriteDeadline sets the deadline of writes, for http.ResponseController.
func (s *Socket) SetWriteDeadline(t time.Time) error { return s.conn.SetWriteDeadline(t) }

// Flush does nothing, because Write sends everything.
func (s *Socket) Flush() {}

// Write sends each line of chunk as a text message, without the end of the line. All lines must be complete.
func (s *Socket) Write(chunk []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frames = s.frames[:0]
	for line := range bytes.Lines(chunk) {
		s.frames = appendTextFrame(s.frames, bytes.TrimSuffix(line, []byte{'\n'}))
	}
	if err := s.write(s.frames); err != nil {
		return 0, err
	}
	return len(chunk), nil
}

// write writes whole frames. After an error it writes nothing more, because a frame may have been written in part. The caller must hold
// s.mu.
func (s *Socket) write(frames []byte) error {
	if s.broken {
		return net.ErrClosed
	}
	_, err := s.conn.Write(frames)
	s.broken = err != nil
	return err //nolint:wrapcheck // the sender wraps it
}

// Close closes the connection, and waits until nothing reads from it.
func (s *Socket) Close() {
	_ = s.socket.WriteClose(closeNormal, nil) // fails only if the connection is broken or closed
	_ = s.conn.Close()
	<-s.reading
}

// appendTextFrame appends a complete, unmasked text message (RFC 6455, section 5.2).
func appendTextFrame(b, text []byte) []byte {
	b = append(b, 0x80|byte(gws.OpcodeText))
	switch n := len(text); {
	case n < 126:
		b = append(b, byte(n))
	case n <= 0xffff:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
	}
	return append(b, text...)
}

// clientConn is the connection of a Socket as gws uses it. It returns an error if the client sends a frame that the validator refuses.
type clientConn struct {
	net.Conn
	s         *Socket
	from      io.Reader
	validator wsframe.Validator
	refused   *wsframe.Violation
}

// Read returns bytes of the client that the validator has accepted. It closes the connection when the client has done so, so that a write
// to the client ends.
func (c *clientConn) Read(b []byte) (int, error) {
	if c.refused != nil {
		return 0, c.refuse()
	}
	n, err := c.from.Read(b)
	if err != nil {
		_ = c.Close()
	}
	_, good, refused := c.validator.Scan(b[:n], c.s.now())
	if refused == nil {
		return n, err //nolint:wrapcheck // gws compares it
	}
	c.refused = refused // the next Read closes the connection, so that the frames before are still handled
	if good == 0 {
		return 0, c.refuse()
	}
	return good, nil
}

// refuse sends the close code of a violation.
func (c *clientConn) refuse() error {
	_ = c.s.socket.WriteClose(c.refused.Code, []byte(c.refused.Reason)) // fails only if the connection is broken or closed
	return c.refused
}

// Write writes a frame of gws after the write in progress, within the deadline of a chunk.
func (c *clientConn) Write(frame []byte) (int, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if err := c.SetWriteDeadline(c.s.now().Add(c.s.timeout)); err != nil {
		return 0, err //nolint:wrapcheck // gws compares it
	}
	if err := c.s.write(frame); err != nil {
		return 0, err
	}
	return len(frame), nil
}

// socketEvents replies to pings, and closes the connection when the client sends a message.
type socketEvents struct{ gws.BuiltinEventHandler }

// OnPing sends a pong.
func (socketEvents) OnPing(socket *gws.Conn, payload []byte) { _ = socket.WritePong(payload) }

// OnMessage closes the connection.
func (socketEvents) OnMessage(socket *gws.Conn, message *gws.Message) {
	_ = message.Close()
	_ = socket.WriteClose(closePolicy, []byte("a replay takes no messages"))
}
