package media

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"roomlog/internal/limit"
	"roomlog/internal/netconn"
	"roomlog/media/flv"
)

const (
	flvType        = "video/x-flv"
	maxPlayerInput = 64 << 10 // maximum number of bytes that an HTTP-FLV player may send after its request
)

// joinOnConn adds the player to its stream, or writes a refusal to the hijacked connection.
func (c *core) joinOnConn(conn net.Conn, a admission) (*Player, bool) {
	p, err := c.hub.join(playRequest{key: a.key, client: a.client, requestedAt: a.requestedAt, slot: a.slot, disconnect: func() { _ = netconn.CloseNow(conn) },
		complete: a.client.Protocol == Relay})
	if err == nil {
		return p, true
	}
	c.countRefusal(context.Background(), "play", a.client, err)
	status := statusOf(err)
	_ = conn.SetWriteDeadline(c.cfg.Now().Add(c.cfg.RTMP.ControlTimeout))
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nAccess-Control-Allow-Origin: %s\r\nCache-Control: no-store\r\nContent-Length: 0\r\nRetry-After: %s\r\nConnection: close\r\n\r\n",
		status, http.StatusText(status), c.cfg.AllowOrigin, retryAfterSeconds)
	return nil, false
}

// playFLV writes the stream as an FLV file without end. Before the first frame it writes nothing, not even the status
// line.
func (c *core) playFLV(r *http.Request, conn net.Conn, _ []byte, a admission) {
	p, ok := c.joinOnConn(conn, a)
	if !ok {
		return
	}
	defer c.hub.leave(p, ReasonLost)
	reading := make(chan struct{})
	defer func() { <-reading }()
	defer conn.Close()
	go func() {
		defer close(reading)
		_, _ = io.CopyN(io.Discard, conn, maxPlayerInput)
		c.hub.leave(p, ReasonStopped) // the player has disconnected or sends too much
	}()
	body := flvBody{core: c, player: p, conn: conn, chunked: r.ProtoAtLeast(1, 1)}
	reason := p.deliver(body.write)
	c.hub.leave(p, reason)
	if reason == ReasonEnded && body.end() == nil || p.isRestarted() && body.restart() == nil {
		closeGracefully(conn, reading)
	}
}

// playShared does the same as playFLV, for a request over HTTP/2, whose connection also carries other requests. It
// returns when the player has left.
func (c *core) playShared(w http.ResponseWriter, r *http.Request, a admission) {
	ctx, disconnect := context.WithCancel(r.Context())
	defer disconnect()
	p, err := c.hub.join(playRequest{key: a.key, client: a.client, requestedAt: a.requestedAt, slot: a.slot, disconnect: disconnect})
	if err != nil {
		c.refusePlay(w, r, a.client, err)
		return
	}
	defer c.hub.leave(p, ReasonLost)
	limit.Detach(r.Context()) // The player has a slot of the media server.
	left := make(chan struct{})
	defer close(left)
	go func() {
		select {
		case <-ctx.Done():
			c.hub.leave(p, ReasonStopped)
		case <-c.draining:
			c.hub.leave(p, ReasonShutdown)
		case <-left:
		}
	}()
	w.Header().Set("Content-Type", flvType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	w.Header().Set("Access-Control-Allow-Origin", c.cfg.AllowOrigin)
	body := sharedBody{core: c, player: p, w: w, control: http.NewResponseController(w)}
	reason := p.deliver(body.write)
	c.hub.leave(p, reason)
	if reason != ReasonEnded {
		panic(http.ErrAbortHandler) // the client sees that the stream is not at its end
	}
}

// sharedBody writes a response over HTTP/2.
type sharedBody struct {
	core    *core
	player  *Player
	w       http.ResponseWriter
	control *http.ResponseController
	begun   bool
}

// write writes a batch of frames. The client must accept them within RTMP.MediaTimeout.
func (b *sharedBody) write(frames []*Frame) (written int64, err error) {
	if err := b.control.SetWriteDeadline(b.core.cfg.Now().Add(b.core.cfg.RTMP.MediaTimeout)); err != nil {
		return 0, err
	}
	var parts [][]byte
	if !b.begun {
		b.begun = true
		parts = append(parts, flv.FileHeader(b.player.Tracks()))
	}
	for _, f := range frames {
		parts = append(parts, f.Tag())
	}
	for _, part := range parts {
		n, err := b.w.Write(part)
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
	return written, b.control.Flush()
}

// flvBody writes a response of unknown length. It uses chunked encoding, so that the client can distinguish the end of
// the stream from a broken connection. HTTP/1.0 clients get the body without chunks; the connection is then closed.
type flvBody struct {
	core    *core
	player  *Player
	conn    net.Conn
	chunked bool
	begun   bool
	parts   [][]byte
}

// write writes a batch of frames. The first call also writes the response header and the FLV file header.
func (b *flvBody) write(frames []*Frame) (int64, error) {
	b.parts = append(b.parts[:0], nil, nil) // reserves space for the response header and the chunk header
	if !b.begun {
		b.parts = append(b.parts, flv.FileHeader(b.player.Tracks()))
	}
	for _, f := range frames {
		b.parts = append(b.parts, f.Tag())
	}
	if b.chunked {
		size := 0
		for _, part := range b.parts {
			size += len(part)
		}
		b.parts[1] = strconv.AppendInt(nil, int64(size), 16)
		b.parts[1] = append(b.parts[1], "\r\n"...)
		b.parts = append(b.parts, []byte("\r\n"))
	}
	if !b.begun {
		b.begun = true
		b.parts[0] = b.header()
	}
	return b.flush()
}

// flush writes the parts. The client must accept them within RTMP.MediaTimeout.
func (b *flvBody) flush() (int64, error) {
	cfg := b.core.cfg
	if err := b.conn.SetWriteDeadline(cfg.Now().Add(cfg.RTMP.MediaTimeout)); err != nil {
		return 0, err
	}
	out := net.Buffers(b.parts)
	return out.WriteTo(b.conn)
}

// header returns the status line and the headers of the response.
func (b *flvBody) header() []byte {
	head := "HTTP/1.1 200 OK\r\nContent-Type: " + flvType + "\r\nCache-Control: no-store\r\nAccess-Control-Allow-Origin: " +
		b.core.cfg.AllowOrigin + "\r\nX-Accel-Buffering: no\r\nConnection: close\r\n"
	for name, value := range b.player.relayHeader() {
		head += name + ": " + value + "\r\n"
	}
	if b.chunked {
		head += "Transfer-Encoding: chunked\r\n"
	}
	return []byte(head + "\r\n")
}

// end writes the end of the body. If nothing was written yet, it writes the response header first.
func (b *flvBody) end() error {
	b.parts = b.parts[:0]
	if !b.begun {
		b.parts = append(b.parts, b.header())
	}
	if b.chunked {
		b.parts = append(b.parts, []byte("0\r\n\r\n"))
	}
	_, err := b.flush()
	return err
}

// restart writes a tag of the kind KindRestart and leaves the body without an end.
func (b *flvBody) restart() error {
	tag := flv.Tag(KindRestart, 0, nil)
	b.parts = append(b.parts[:0], strconv.AppendInt(nil, int64(len(tag)), 16), []byte("\r\n"), tag, []byte("\r\n"))
	_, err := b.flush()
	return err
}

// closeGracefully closes the connection for writing and gives the client a second to read the end of the response.
func closeGracefully(conn net.Conn, reading <-chan struct{}) {
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-reading:
	case <-timer.C:
	}
}
