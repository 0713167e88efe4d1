package rtmp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

const readBuffer = 4 << 10 // payloads bypass it

// Conn is one connection of a client. In this order: Connect, Request, then Accept or Refuse; a publisher
// goes on with Media, a player with Wait and, at the same time, Write; Finish or Close ends it.
//
// Apart from Write, Wait and Close, which may run side by side, one goroutine uses it at a time.
type Conn struct {
	conn   net.Conn
	cfg    Config
	r      *reader
	budget int // messages left up to publish or play

	request Request
	connect float64 // the number of the connect that is to be answered
	window  uint64  // bytes after which the client wants to hear how many we have
	told    uint64  // of the bytes read, so many

	playing bool      // pings keep it alive, in place of media
	over    bool      // the client said that it publishes no more
	heard   time.Time // media, or of a player anything
	pinged  time.Time

	writing sync.Mutex // to the connection

	queueing sync.Mutex
	answers  []byte // written, and not yet sent
}

// NewConn makes a Conn of a connection that was just accepted.
func NewConn(conn net.Conn, cfg Config) *Conn {
	c := &Conn{conn: conn, cfg: cfg.WithDefaults(), budget: maxMessages}
	c.r = newReader(bufio.NewReaderSize((*source)(c), readBuffer))
	return c
}

// Close ends the connection at once, whatever else is going on.
func (c *Conn) Close() error { return c.conn.Close() }

// Bytes is how many bytes came since the handshake. It belongs to the goroutine that reads.
func (c *Conn) Bytes() uint64 { return c.r.bytes }

// source reads from the connection; what it reads for a player has no deadline but signs of life.
type source Conn

func (s *source) Read(b []byte) (int, error) {
	c := (*Conn)(s)
	if !c.playing {
		return c.conn.Read(b)
	}
	for {
		if err := c.conn.SetReadDeadline(c.cfg.Now().Add(c.cfg.RTMPPing)); err != nil {
			return 0, err
		}
		n, err := c.conn.Read(b)
		now := c.cfg.Now()
		if n > 0 {
			c.heard = now
			return n, nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if now.Sub(c.heard) >= c.cfg.RTMPTimeout {
			return 0, fmt.Errorf("%w for %v", ErrIdle, c.cfg.RTMPTimeout)
		}
		if err := c.ping(now); err != nil {
			return 0, err
		}
	}
}

// send writes the answers that are waiting; a client that does not take them in time has ended.
func (c *Conn) send() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.queueing.Lock()
	answers := c.answers
	c.answers = nil
	c.queueing.Unlock()
	if len(answers) == 0 {
		return nil
	}
	err := c.conn.SetWriteDeadline(c.cfg.Now().Add(c.cfg.ControlTimeout))
	if err == nil {
		_, err = c.conn.Write(answers)
	}
	return err
}

// Write sends media that AppendMedia made, and returns how many bytes the client took. It consumes b.
// An error, also that the client did not take all of it in time, ends the connection.
func (c *Conn) Write(b *net.Buffers) (int64, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.conn.SetWriteDeadline(c.cfg.Now().Add(c.cfg.MediaTimeout)); err != nil {
		return 0, err
	}
	return b.WriteTo(c.conn)
}

// leave sends the last answers and closes the connection so that the client can read them: it first ends
// our side, and swallows for a moment what still comes. To close at once would take the answer away.
func (c *Conn) leave() {
	err := c.send()
	if half, ok := c.conn.(interface{ CloseWrite() error }); ok && err == nil {
		err = half.CloseWrite()
	}
	switch {
	case err != nil:
	case c.playing: // Wait is reading
		time.AfterFunc(drainTime, func() { _ = c.conn.Close() })
		return
	case c.conn.SetReadDeadline(c.cfg.Now().Add(drainTime)) == nil:
		_, _ = io.CopyN(io.Discard, c.conn, drainBytes)
	}
	_ = c.conn.Close()
}
