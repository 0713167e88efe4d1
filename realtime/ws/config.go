package ws

import (
	"log/slog"
	"net/http"
	"time"
)

// The defaults of Config.
const (
	DefaultMaxMessage    = 16 << 10              // the library allocates what a header announces
	DefaultReadBuffer    = 1 << 10               // frames of people are short; what is longer is read past the buffer
	DefaultSendBuffer    = 64 << 10              // the kernel doubles it; without it it hides megabytes of a stalled reader
	DefaultQueueBytes    = 128 << 10             // some seconds of a busy room
	DefaultWriteTimeout  = 8 * time.Second       // for 16 KiB: 2 kB/s is the slowest line that lives
	DefaultHelloTimeout  = 15 * time.Second      // a person's phone says hello in one round trip
	DefaultPingInterval  = 25 * time.Second      // below the 30 s after which some mobile networks forget a connection
	DefaultIdleTimeout   = 60 * time.Second      // two pings unanswered
	DefaultFrameRate     = 100                   // frames a second: far above gift combos
	DefaultFrameBurst    = 200                   // and what a reconnecting client may say at once
	DefaultFlushWindow   = 50 * time.Millisecond // a third of the work of single writes, and nobody sees it
	DefaultRestartSpread = 5 * time.Second
)

// Config is how Sockets behaves. Now is required, and Open by ServeHTTP; of everything else zero means
// the default, and where it is said, below zero means none.
type Config struct {
	// Open is told of every new connection, before anything is read from it. The request is gone when Open
	// returns.
	Open func(*Conn, *http.Request) Peer
	// Skipped is the text that tells a client what it lost of a group, being slow; nil says nothing.
	Skipped func(lost Span, count int) []byte
	// Now is the clock.
	Now func() time.Time
	// Log gets our own faults; nil discards them.
	Log *slog.Logger
	// Gate decides who may connect.
	Gate *Gate

	MaxMessage    int           // bytes of a message, all its fragments together
	ReadBuffer    int           // bytes, for each connection
	SendBuffer    int           // bytes, of the socket
	QueueBytes    int           // that may wait for a slow reader before frames are dropped; twice as much ends it
	WriteTimeout  time.Duration // for 16 KiB to a slow reader
	HelloTimeout  time.Duration // until Conn.Greeted; below 0: none
	PingInterval  time.Duration // below 0: no pings
	SocketTimeout time.Duration // without any frame; below 0: none
	FrameRate     float64       // frames a second from one client; below 0: no limit
	FrameBurst    int           // frames at once
	PushWindow    time.Duration // of a Fanout; below 0: every push is a write
	Deflate       bool          // compresses what a Fanout sends to clients that offer permessage-deflate
	RestartSpread time.Duration // over which clients are told to come back after a shutdown
}

// withDefault is value, or fallback if it was left zero.
func withDefault[T int | float64 | time.Duration](value, fallback T) T {
	if value == 0 {
		return fallback
	}
	return value
}
