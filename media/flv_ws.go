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

	"roomlog/internal/wsframe"
	"roomlog/media/flv"
)

const (
	wsMaxMessage = 1 << 10 // maximum size in bytes of a message from a player; players need not send any
	wsReadBuffer = 512
	wsBurst      = 4 << 10 // number of bytes that a player may send at once
	wsRate       = 256     // number of bytes per second that a player may send
)

func newUpgrader() *gws.Upgrader {
	return gws.NewUpgrader(wsEvents{}, &gws.ServerOption{ReadMaxPayloadSize: wsMaxMessage, ReadBufferSize: wsReadBuffer})
}

// upgradable reports whether gws will accept the handshake. It is called before the connection is hijacked.
func upgradable(r *http.Request) bool {
	return strings.Contains(strings.ToLower(r.Header.Get("Connection")), "upgrade") &&
		r.Header.Get("Sec-WebSocket-Version") == "13" && r.Header.Get("Sec-WebSocket-Key") != ""
}

// playWS returns the handler that plays a stream over a WebSocket: complete FLV tags in binary messages. The first
// message begins with the FLV file header.
func playWS(upgrader *gws.Upgrader) func(c *core, r *http.Request, raw net.Conn, early []byte, a admission) {
	return func(c *core, r *http.Request, raw net.Conn, early []byte, a admission) {
		p, ok := c.joinOnConn(raw, a)
		if !ok {
			return
		}
		defer c.hub.leave(p, ReasonLost)
		conn := &wsConn{Conn: raw, cfg: c.cfg, early: early, openedAt: c.cfg.Now(), validator: wsframe.Validator{Max: wsMaxMessage, Binary: true}}
		_ = raw.SetWriteDeadline(c.cfg.Now().Add(c.cfg.RTMP.ControlTimeout))
		socket, err := upgrader.UpgradeFromConn(conn, bufio.NewReaderSize(conn, wsReadBuffer), r)
		if err != nil {
			return
		}
		conn.socket.Store(socket)
		reading := make(chan struct{})
		defer func() { <-reading }()
		defer raw.Close()
		go func() {
			defer close(reading)
			defer c.hub.leave(p, ReasonStopped)
			defer c.recoverConn(a.client)
			socket.ReadLoop()
		}()
		reason := p.deliver(wsWriter(c.cfg, p, raw, socket))
		c.hub.leave(p, reason)
		if reason == ReasonEnded {
			_ = raw.SetWriteDeadline(c.cfg.Now().Add(c.cfg.RTMP.ControlTimeout))
			_ = socket.WriteClose(1000, nil)
		}
	}
}

// wsWriter returns a function that writes a batch of frames as one message.
func wsWriter(cfg Config, p *Player, raw net.Conn, socket *gws.Conn) func([]*Frame) (int64, error) {
	var parts [][]byte
	begun := false
	return func(frames []*Frame) (int64, error) {
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
		if err := raw.SetWriteDeadline(cfg.Now().Add(cfg.RTMP.MediaTimeout)); err != nil {
			return 0, err
		}
		if err := socket.Writev(gws.OpcodeBinary, parts...); err != nil {
			return 0, err
		}
		return int64(size), nil
	}
}

// wsEvents replies to pings and ignores other messages.
type wsEvents struct{ gws.BuiltinEventHandler }

// OnPing sends a pong.
func (wsEvents) OnPing(socket *gws.Conn, payload []byte) { _ = socket.WritePong(payload) }

// OnMessage discards the message.
func (wsEvents) OnMessage(_ *gws.Conn, message *gws.Message) { _ = message.Close() }

// wsConn is the connection from which gws reads. If the player is silent, wsConn sends a ping. It returns an error if
// the player stays silent, sends more than wsBurst and wsRate allow, or sends a frame that the validator refuses.
type wsConn struct {
	net.Conn
	cfg       Config
	socket    atomic.Pointer[gws.Conn]
	early     []byte
	openedAt  time.Time
	received  int // number of bytes received
	validator wsframe.Validator
	refused   *wsframe.Violation
}

// Read returns bytes of the player that the validator has accepted.
func (c *wsConn) Read(b []byte) (int, error) {
	if c.refused != nil {
		return 0, c.refuse()
	}
	n, err := c.receive(b)
	_, good, refused := c.validator.Scan(b[:n], c.cfg.Now())
	if refused != nil {
		c.refused = refused // the next Read closes the connection, so that the frames before are still handled
		if good == 0 {
			return 0, c.refuse()
		}
		return good, nil
	}
	return n, err
}

// refuse sends the close code of a violation.
func (c *wsConn) refuse() error {
	if socket := c.socket.Load(); socket != nil {
		_ = c.SetWriteDeadline(c.cfg.Now().Add(c.cfg.RTMP.ControlTimeout))
		_ = socket.WriteClose(c.refused.Code, []byte(c.refused.Reason))
	}
	return c.refused
}

func (c *wsConn) receive(b []byte) (int, error) {
	if len(c.early) > 0 {
		n := copy(b, c.early)
		c.early = c.early[n:]
		return n, nil
	}
	now, timeouts := c.cfg.Now, c.cfg.RTMP
	silent := time.Duration(0)
	for {
		if err := c.SetReadDeadline(now().Add(timeouts.RTMPPing)); err != nil {
			return 0, err
		}
		n, err := c.Conn.Read(b)
		if n > 0 {
			c.received += n
			if c.received > wsBurst+int(now().Sub(c.openedAt).Seconds()*wsRate) {
				return 0, errTooMuchInput
			}
			return n, nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if silent += timeouts.RTMPPing; silent >= timeouts.RTMPTimeout {
			return 0, fmt.Errorf("websocket: no data for %v", silent)
		}
		if socket := c.socket.Load(); socket != nil {
			if err := socket.WritePing(nil); err != nil {
				return 0, err
			}
		}
	}
}
