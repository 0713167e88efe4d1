package media

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"roomlog/media/flv"
)

const maxChatter = 64 << 10 // bytes that a player may send when there is nothing to say

// serveFLV admits a player of tags, and goes on with it outside the HTTP server.
func (s *Server) serveFLV(w http.ResponseWriter, r *http.Request, key string) {
	protocol, play := HTTPFLV, s.playFLV
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		protocol, play = WSFLV, s.playWS
		if !upgradable(r) {
			answer(w, http.StatusBadRequest)
			return
		}
	}
	a, ok := s.admit(w, r, key, protocol)
	if !ok {
		return
	}
	if !s.crew.join() {
		a.back()
		answer(w, http.StatusServiceUnavailable)
		return
	}
	conn, early, err := hijack(w)
	if err != nil {
		s.crew.leave()
		a.back()
		s.cfg.Log.ErrorContext(r.Context(), "the connection cannot be taken over", slog.Any("err", err))
		answer(w, http.StatusInternalServerError)
		return
	}
	request := r.WithContext(context.WithoutCancel(r.Context()))
	go func() {
		defer s.crew.leave()
		defer a.back()
		defer conn.Close()
		defer s.catch(a.client)
		play(request, conn, early, a)
	}()
}

// enter joins the stream, or answers on the bare connection why not.
func (s *Server) enter(conn net.Conn, a admission) (*Player, bool) {
	p, err := s.hub.join(joining{key: a.key, client: a.client, asked: a.asked, hangUp: func() { _ = conn.Close() }})
	if err == nil {
		return p, true
	}
	s.refuse(context.Background(), "play", a.client, err)
	status := statusOf(err)
	_ = conn.SetWriteDeadline(s.cfg.Now().Add(s.cfg.RTMP.ControlTimeout))
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nAccess-Control-Allow-Origin: %s\r\nCache-Control: no-store\r\nContent-Length: 0\r\nRetry-After: %s\r\nConnection: close\r\n\r\n",
		status, http.StatusText(status), s.cfg.AllowOrigin, retryAfter)
	return nil, false
}

// playFLV writes an endless file of tags. Not even the answer's status is written before there is one.
func (s *Server) playFLV(r *http.Request, conn net.Conn, _ []byte, a admission) {
	p, ok := s.enter(conn, a)
	if !ok {
		return
	}
	defer s.hub.leave(p, ReasonLost)
	reading := make(chan struct{})
	defer func() { <-reading }()
	defer conn.Close()
	go func() {
		defer close(reading)
		_, _ = io.CopyN(io.Discard, conn, maxChatter)
		s.hub.leave(p, ReasonStopped) // it has gone, or talks too much
	}()
	body := flvBody{server: s, player: p, conn: conn, chunked: r.ProtoAtLeast(1, 1)}
	why := p.deliver(body.write)
	s.hub.leave(p, why)
	if why == ReasonEnded && body.end() == nil {
		hangUpGently(conn, reading)
	}
}

// flvBody writes an answer whose length nobody knows: in chunks, so that its end can be told from a broken
// connection, and to those who do not know chunks as bytes until the connection ends.
type flvBody struct {
	server  *Server
	player  *Player
	conn    net.Conn
	chunked bool
	begun   bool
	parts   [][]byte
}

func (b *flvBody) write(frames []*Frame) (int64, error) {
	b.parts = append(b.parts[:0], nil, nil) // for heads
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
		b.parts[0] = b.head()
	}
	return b.send()
}

func (b *flvBody) send() (int64, error) {
	cfg := b.server.cfg
	if err := b.conn.SetWriteDeadline(cfg.Now().Add(cfg.RTMP.MediaTimeout)); err != nil {
		return 0, err
	}
	out := net.Buffers(b.parts)
	return out.WriteTo(b.conn)
}

func (b *flvBody) head() []byte {
	head := "HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nCache-Control: no-store\r\nAccess-Control-Allow-Origin: " +
		b.server.cfg.AllowOrigin + "\r\nX-Accel-Buffering: no\r\nConnection: close\r\n"
	if b.chunked {
		head += "Transfer-Encoding: chunked\r\n"
	}
	return []byte(head + "\r\n")
}

// end says that it was all. If nothing was played, not even the answer has begun.
func (b *flvBody) end() error {
	b.parts = b.parts[:0]
	if !b.begun {
		b.parts = append(b.parts, b.head())
	}
	if b.chunked {
		b.parts = append(b.parts, []byte("0\r\n\r\n"))
	}
	_, err := b.send()
	return err
}

// hangUpGently lets the client read the end before the connection is closed.
func hangUpGently(conn net.Conn, reading <-chan struct{}) {
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
