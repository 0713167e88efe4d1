package media

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/lxzan/gws"

	"roomlog/media/flv"
)

const (
	wsMessage = 1 << 10 // bytes of a message from a player, which has nothing to say
	wsBuffer  = 512
	wsBurst   = 4 << 10 // bytes it may send at once, and
	wsRate    = 256     // a second
)

// errChatty ends a player that sends more than a player has to say.
var errChatty = errors.New("media: the player talks too much")

func newUpgrader() *gws.Upgrader {
	return gws.NewUpgrader(wsEvents{}, &gws.ServerOption{ReadMaxPayloadSize: wsMessage, ReadBufferSize: wsBuffer})
}

// upgradable refuses what the library would refuse after the connection was taken over.
func upgradable(r *http.Request) bool {
	return strings.Contains(strings.ToLower(r.Header.Get("Connection")), "upgrade") &&
		r.Header.Get("Sec-WebSocket-Version") == "13" && r.Header.Get("Sec-WebSocket-Key") != ""
}

// playWS writes tags in binary messages, none of them cut; the file header is the first.
func (s *Server) playWS(r *http.Request, raw net.Conn, early []byte, a admission) {
	p, ok := s.enter(raw, a)
	if !ok {
		return
	}
	defer s.hub.leave(p, ReasonLost)
	conn := &wsConn{Conn: raw, server: s, early: early, opened: s.cfg.Now()}
	_ = raw.SetWriteDeadline(s.cfg.Now().Add(s.cfg.RTMP.ControlTimeout))
	socket, err := s.sockets.UpgradeFromConn(conn, bufio.NewReaderSize(conn, wsBuffer), r)
	if err != nil {
		return
	}
	conn.socket.Store(socket)
	reading := make(chan struct{})
	defer func() { <-reading }()
	defer raw.Close()
	go func() {
		defer close(reading)
		defer s.hub.leave(p, ReasonStopped)
		defer s.catch(a.client)
		socket.ReadLoop()
	}()
	var parts [][]byte
	begun := false
	why := p.deliver(func(frames []*Frame) (int64, error) {
		parts = parts[:0]
		if !begun {
			begun = true
			parts = append(parts, flv.FileHeader(p.Tracks()))
		}
		size := 0
		for _, f := range frames {
			parts = append(parts, f.Tag())
			size += len(f.Tag())
		}
		if err := raw.SetWriteDeadline(s.cfg.Now().Add(s.cfg.RTMP.MediaTimeout)); err != nil {
			return 0, err
		}
		if err := socket.Writev(gws.OpcodeBinary, parts...); err != nil {
			return 0, err
		}
		return int64(size), nil
	})
	s.hub.leave(p, why)
	if why == ReasonEnded {
		_ = raw.SetWriteDeadline(s.cfg.Now().Add(s.cfg.RTMP.ControlTimeout))
		_ = socket.WriteClose(1000, nil)
	}
}

// wsEvents answers pings; whatever else a player says is of no interest.
type wsEvents struct{ gws.BuiltinEventHandler }

// OnPing answers.
func (wsEvents) OnPing(socket *gws.Conn, payload []byte) { _ = socket.WritePong(payload) }

// OnMessage forgets it.
func (wsEvents) OnMessage(_ *gws.Conn, message *gws.Message) { _ = message.Close() }

// wsConn is what the library reads from. It pings when nothing is heard, and ends a player that is silent
// even then, or that talks: empty continuation frames would otherwise cost more than they are worth.
type wsConn struct {
	net.Conn
	server *Server
	socket atomic.Pointer[gws.Conn]
	early  []byte
	opened time.Time
	heard  int // bytes
}

func (c *wsConn) Read(b []byte) (int, error) {
	if len(c.early) > 0 {
		n := copy(b, c.early)
		c.early = c.early[n:]
		return n, nil
	}
	cfg := c.server.cfg
	silent := time.Duration(0)
	for {
		if err := c.SetReadDeadline(cfg.Now().Add(cfg.RTMP.RTMPPing)); err != nil {
			return 0, err
		}
		n, err := c.Conn.Read(b)
		if n > 0 {
			c.heard += n
			if c.heard > wsBurst+int(cfg.Now().Sub(c.opened).Seconds()*wsRate) {
				return 0, errChatty
			}
			return n, nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if silent += cfg.RTMP.RTMPPing; silent >= cfg.RTMP.RTMPTimeout {
			return 0, fmt.Errorf("websocket: silent for %v", silent)
		}
		if socket := c.socket.Load(); socket != nil {
			if err := socket.WritePing(nil); err != nil {
				return 0, err
			}
		}
	}
}
