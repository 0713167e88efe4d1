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

// Peer handles the messages of one connection. Its methods are called one after another by the goroutine that reads
// the connection: while one of them runs, nothing more is read.
type Peer interface {
	// Text handles a whole text message. The bytes are valid until Text returns.
	Text(message []byte)
	// Closed is called once, after the last message, with the code and reason that ended the connection: the server's,
	// the client's, or CloseLost when it ended without a close frame.
	Closed(code uint16, reason string)
}

// BinaryPeer is a Peer that also accepts binary messages. A binary message closes the connections of other peers with
// CloseUnsupported.
type BinaryPeer interface {
	Peer
	// Binary handles a whole binary message. The bytes are valid until Binary returns.
	Binary(message []byte)
}

// shared holds the clock, settings and counters that all connections of a server use.
type shared struct {
	now          func() time.Time
	log          *slog.Logger
	start        time.Time // connections store times as durations since start, which need half the memory and do not change with clock steps
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
	peer       Peer   // written with mu held; the reading goroutine reads it without mu
	address    string // address of the client, as the Limiter counts it
	slot       *limit.Slot
	serial     uint32 // counted from 1; distributes connections over the workers
	compresses bool   // accepts compressed messages
	index      int    // in Server.conns, guarded by Server.mu

	opened     time.Duration // time since shared.start, as in the next two fields
	pinged     time.Duration // used by Server.Run only
	lastFrame  atomic.Int64
	identified atomic.Bool

	// Used by the reading goroutine only.
	early     []byte // bytes that the HTTP server had read beyond the request
	validator wsframe.Validator
	refused   *wsframe.Violation
	replied   bool // the connection ended with the reply to the client's close frame, or to a bad frame

	mu       sync.Mutex
	socket   syscall.RawConn // nil: not a plain TCP connection, every write goes through the queue
	attempt  attempt
	out      *outbox // nil: nothing waits
	inflated inflated
	ending   bool // Send accepts no more frames
	gone     bool // the socket cannot send any more
	code     uint16
	reason   string
}

// Address returns the client's address as the Limiter counts it.
func (c *Conn) Address() string { return c.address }

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

// Identified records that the client has identified itself. Without it, the connection is closed after
// Config.HelloTimeout, and earlier if a new client needs its slot.
func (c *Conn) Identified() {
	c.identified.Store(true)
	c.slot.Busy()
}

// Ended reports whether the connection has ended: it sends nothing more and delivers no more messages.
func (c *Conn) Ended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ending
}
