package replay

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/lxzan/gws"
)

// maxClientMessage is the maximum size in bytes of a message from a client, which need not send any.
const maxClientMessage = 1 << 10

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
	s := &Socket{conn: conn, timeout: c.WriteTimeout, now: c.Now, reading: make(chan struct{})}
	err = s.limitWrite()
	if err == nil {
		s.socket, err = gws.NewUpgrader(socketEvents{s: s}, &gws.ServerOption{ReadMaxPayloadSize: maxClientMessage}).UpgradeFromConn(conn, buffered.Reader, r)
	}
	if err != nil {
		_ = conn.Close()
		return nil, nil, fmt.Errorf("open a WebSocket: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(s.reading)
		defer cancel()
		s.socket.ReadLoop()
	}()
	return s, ctx, nil
}

func (s *Socket) limitWrite() error { return s.conn.SetWriteDeadline(s.now().Add(s.timeout)) }

// reply writes a reply to the client after the write in progress.
func (s *Socket) reply(write func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.broken && s.limitWrite() == nil {
		_ = write() // fails only if the client has disconnected
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
	if _, err := s.conn.Write(s.frames); err != nil {
		s.broken = true
		return 0, err //nolint:wrapcheck // the sender wraps it
	}
	return len(chunk), nil
}

// Close closes the connection, and waits until nothing reads from it.
func (s *Socket) Close() {
	s.reply(func() error { return s.socket.WriteClose(closeNormal, nil) })
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

// socketEvents replies to pings, and closes the connection when the client sends a message.
type socketEvents struct {
	gws.BuiltinEventHandler
	s *Socket
}

// OnPing sends a pong.
func (e socketEvents) OnPing(socket *gws.Conn, payload []byte) {
	e.s.reply(func() error { return socket.WritePong(payload) })
}

// OnMessage closes the connection.
func (e socketEvents) OnMessage(socket *gws.Conn, message *gws.Message) {
	_ = message.Close()
	e.s.reply(func() error { return socket.WriteClose(closePolicy, []byte("a replay takes no messages")) })
}
