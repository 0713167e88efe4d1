package ws

import (
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"roomlog/internal/limit"
	"roomlog/internal/wsframe"
)

// Peer handles the messages of one connection. The goroutine that reads the connection calls its methods one after
// another. While one of them runs, nothing more is read.
type Peer interface {
	// Text handles a complete text message. The bytes are valid until Text returns.
	Text(message []byte)
	// Closed is called once, after the last message, with the code and reason with which the connection ended. They are
	// those of the server or of the client. The code is CloseLost if the connection ended without a close frame.
	Closed(code uint16, reason string)
}

// BinaryPeer is a Peer that also accepts binary messages. If another Peer receives a binary message, its connection is
// closed with CloseUnsupported.
type BinaryPeer interface {
	Peer
	// Binary handles a complete binary message. The bytes are valid until Binary returns.
	Binary(message []byte)
}

// shared contains the clock, the settings and the counters that all connections of a server use.
type shared struct {
	now          func() time.Time
	log          *slog.Logger
	start        time.Time // Connections store times as durations since start. A duration needs half the memory and does not change when the clock is set.
	skipped      func(Span, int) []byte
	queueBytes   int
	writeTimeout time.Duration
	stats        Stats
	removed      func(c *Conn, code uint16) // called once when a connection is closed
	background   *background
}

// since returns the time between the start of the server and t.
func (s *shared) since(t time.Time) time.Duration { return t.Sub(s.start) }

// Conn is one WebSocket connection. Its methods may be called by any goroutine at any time, and none of them waits for
// the network.
type Conn struct {
	shared     *shared
	raw        net.Conn
	peer       Peer   // written with mu locked; the goroutine that reads the connection reads it without mu
	address    string // address of the client, as the Limiter counts it
	slot       *limit.Slot
	serial     uint32 // number of the connection, from 1; distributes connections over the workers
	compresses bool   // whether the client accepts compressed messages
	index      int    // index in Server.conns, guarded by Server.mu

	opened     time.Duration // time since shared.start, as in the next two fields
	pinged     time.Duration // used only by Server.Run
	lastFrame  atomic.Int64
	identified atomic.Bool
	tag        atomic.Int64 // tag of the connection, see SetTag
	helloDue   atomic.Int64 // time since shared.start at which a client that has not identified itself is disconnected

	// Only the goroutine that reads the connection uses the fields from here on.
	early     []byte // bytes that the HTTP server has read after the request
	validator wsframe.Validator
	refused   *wsframe.Violation
	inserted  []byte // bytes that gws reads next, see wsframe.Validator.Split
	addressed bool   // whether a message has arrived
	replied   bool   // whether the connection ended with the reply to the client's close frame or to an invalid frame

	mu       sync.Mutex
	socket   syscall.RawConn // nil if this is not a plain TCP connection; every write then goes through the queue
	attempt  attempt
	out      *outbox // the queue; nil if nothing waits
	inflated inflated
	ending   bool // whether Send accepts no more frames
	gone     bool // whether the socket cannot send any more
	code     uint16
	reason   string
}

// Address returns the client's address as the Limiter counts it.
func (c *Conn) Address() string { return c.address }

// SetTag sets the tag that WriteCounter.Written gets for the connection, such as the number of its user.
func (c *Conn) SetTag(tag int64) { c.tag.Store(tag) }

// written counts frames that the socket has accepted.
func (c *Conn) written(counters []WriteCounter) {
	for _, r := range counters {
		r.Written(c.tag.Load())
	}
}

// Serial returns the number of the connection within its server, counted from 1.
func (c *Conn) Serial() uint32 { return c.serial }

// OpenedAt returns the time at which the connection was accepted.
func (c *Conn) OpenedAt() time.Time { return c.shared.start.Add(c.opened) }

// Peer returns the Peer that Config.Open created for the connection, or nil while Open runs.
func (c *Conn) Peer() Peer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.peer
}

// Identified records that the client has identified itself. A connection whose client has not is closed after
// Config.HelloTimeout, or earlier if a new client needs its slot. The time in which a message is handled does not count.
func (c *Conn) Identified() {
	c.identified.Store(true)
	c.slot.Busy()
}

// Ended reports whether the connection has ended. It then sends nothing more and delivers no more messages.
func (c *Conn) Ended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ending
}
