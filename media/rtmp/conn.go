package rtmp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

const readBuffer = 4 << 10 // payloads bypass the buffer

// Conn is the connection of one client. The calls come in this order: ReadConnect, ReadRequest, Accept or Refuse;
// then ReadMedia for a publisher, or Serve and concurrently Write for a player; finally Finish or Close. After
// ReadMedia or Serve has returned ErrDone, and Write has returned, NextRequest may follow in place of Finish.
//
// Write, Serve and Close may run concurrently. Only one goroutine at a time may call the other methods.
type Conn struct {
	conn   net.Conn
	cfg    Config
	r      *reader
	budget int    // messages left until publish or play
	quota  *quota // limits what a server sends to a Publisher; nil: unlimited

	app       string // app of the connect command
	request   Request
	connectID float64 // transaction id of the connect command
	window    uint64  // bytes after which the client expects an acknowledgement
	acked     uint64  // bytes acknowledged

	playing     bool      // whether the client plays: pings keep its connection open, in place of media
	reception   Reception // what the player wants to receive
	unpublished bool      // whether the client has sent FCUnpublish
	reused      bool      // whether the client has published or played on this connection before
	broken      bool      // whether reading has failed, perhaps within a message
	early       *command  // the next request, which arrived before the end of the former one
	heardAt     time.Time // when the last media of a publisher or the last data of a player arrived
	pingedAt    time.Time

	writing sync.Mutex // serializes writes to conn

	queueing  sync.Mutex
	responses []byte // queued and not sent yet
}

// Reception is what a player wants to receive.
type Reception struct {
	Paused           bool // nothing, until the player goes on
	NoAudio, NoVideo bool // no sound; no pictures
}

// NewConn returns a Conn for an accepted connection.
func NewConn(conn net.Conn, cfg Config) *Conn {
	c := &Conn{conn: conn, cfg: cfg.WithDefaults(), budget: maxMessages}
	c.r = newReader(bufio.NewReaderSize((*source)(c), readBuffer))
	return c
}

// Close closes the connection immediately.
func (c *Conn) Close() error { return c.conn.Close() }

// Bytes returns the number of bytes received since the handshake. Only the reading goroutine may call it.
func (c *Conn) Bytes() uint64 { return c.r.bytes }

// source reads from the connection. While the client plays, it sends pings and checks RTMPTimeout.
type source Conn

// Read reads bytes of the client, and fails if the client has sent too many or was silent for too long.
func (s *source) Read(b []byte) (int, error) {
	c := (*Conn)(s)
	if !c.playing {
		n, err := c.conn.Read(b)
		if c.quota != nil && err == nil {
			err = c.quota.spend(c.cfg.Now(), n)
		}
		return n, err
	}
	for {
		if err := c.conn.SetReadDeadline(c.cfg.Now().Add(c.cfg.RTMPPing)); err != nil {
			return 0, err
		}
		n, err := c.conn.Read(b)
		now := c.cfg.Now()
		if n > 0 {
			c.heardAt = now
			return n, nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if now.Sub(c.heardAt) >= c.cfg.RTMPTimeout {
			return 0, fmt.Errorf("%w for %v", ErrIdle, c.cfg.RTMPTimeout)
		}
		if err := c.ping(now); err != nil {
			return 0, err
		}
	}
}

// respond queues a message for the client.
func (c *Conn) respond(cs, kind byte, stream uint32, chunk int, payload []byte) {
	c.queueing.Lock()
	defer c.queueing.Unlock()
	c.responses = appendMessage(c.responses, cs, kind, stream, 0, chunk, payload)
}

// userControl queues a user control message.
func (c *Conn) userControl(event uint16, value uint32) {
	b := binary.BigEndian.AppendUint16(nil, event)
	c.respond(csControl, typeUserControl, 0, ChunkSize, binary.BigEndian.AppendUint32(b, value))
}

func (c *Conn) ping(now time.Time) error {
	c.pingedAt = now
	c.userControl(eventPingRequest, uint32(now.UnixMilli()))
	return c.flush()
}

// flush writes the queued responses. The client must accept them within ControlTimeout.
func (c *Conn) flush() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.queueing.Lock()
	responses := c.responses
	c.responses = nil
	c.queueing.Unlock()
	if len(responses) == 0 {
		return nil
	}
	err := c.conn.SetWriteDeadline(c.cfg.Now().Add(c.cfg.ControlTimeout))
	if err == nil {
		_, err = c.conn.Write(responses)
	}
	return err
}

// Write sends media built by AppendMedia and returns how many bytes the client accepted. It consumes b. After an
// error, including a timeout, the connection must be closed.
func (c *Conn) Write(b *net.Buffers) (int64, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.conn.SetWriteDeadline(c.cfg.Now().Add(c.cfg.MediaTimeout)); err != nil {
		return 0, err
	}
	return b.WriteTo(c.conn)
}

// closeGracefully sends the queued responses and closes the connection so that the client can read them: it closes
// the write side first, and discards input for at most drainTime before it closes the connection. Closing immediately
// could discard the responses.
func (c *Conn) closeGracefully() {
	err := c.flush()
	if half, ok := c.conn.(interface{ CloseWrite() error }); ok && err == nil {
		err = half.CloseWrite()
	}
	switch {
	case err != nil:
	case c.playing: // Serve is reading
		time.AfterFunc(drainTime, func() { _ = c.conn.Close() })
		return
	case c.conn.SetReadDeadline(c.cfg.Now().Add(drainTime)) == nil:
		_, _ = io.CopyN(io.Discard, c.conn, drainBytes)
	}
	_ = c.conn.Close()
}
