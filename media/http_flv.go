package media

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
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
	_ = conn.SetWriteDeadline(s.cfg.Now().Add(s.cfg.RTMP.AnswerTime))
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nAccess-Control-Allow-Origin: %s\r\nCache-Control: no-store\r\nContent-Length: 0\r\nRetry-After: %s\r\nConnection: close\r\n\r\n",
		status, http.StatusText(status), s.cfg.Origin, retryAfter)
	return nil, false
}

// playFLV writes an endless file of tags. Not even the answer's status is written before there is one.
func (s *Server) playFLV(_ *http.Request, conn net.Conn, _ []byte, a admission) {
	p, ok := s.enter(conn, a)
	if !ok {
		return
	}
	defer s.hub.leave(p, Lost)
	reading := make(chan struct{})
	defer func() { <-reading }()
	defer conn.Close()
	go func() {
		defer close(reading)
		_, _ = io.CopyN(io.Discard, conn, maxChatter)
		s.hub.leave(p, Stopped) // it has gone, or talks too much
	}()
	var parts [][]byte
	begun := false
	why := p.deliver(func(frames []*Frame) (int64, error) {
		parts = parts[:0]
		if !begun {
			begun = true
			parts = append(parts, s.flvHead(), flv.FileHeader(p.Tracks()))
		}
		for _, f := range frames {
			parts = append(parts, f.Tag())
		}
		if err := conn.SetWriteDeadline(s.cfg.Now().Add(s.cfg.RTMP.MediaTime)); err != nil {
			return 0, err
		}
		out := net.Buffers(parts)
		return out.WriteTo(conn)
	})
	s.hub.leave(p, why)
	if why == Ended {
		hangUpGently(conn, reading)
	}
}

// flvHead is the head of the answer. The body ends with the connection, which clients of any version
// understand.
func (s *Server) flvHead() []byte {
	return []byte("HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nCache-Control: no-store\r\nAccess-Control-Allow-Origin: " +
		s.cfg.Origin + "\r\nX-Accel-Buffering: no\r\nConnection: close\r\n\r\n")
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
