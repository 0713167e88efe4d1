package rtmp

import (
	"errors"
	"time"
)

// Limits of a connection.
const (
	maxMedia    = 8 << 20   // bytes of an audio or video message
	maxCommand  = 64 << 10  // bytes of any other message
	minChunk    = 128       // bytes; the initial chunk size
	maxChunk    = 1<<31 - 1 // bytes; a chunk is never longer than its message
	maxStreams  = 32        // chunk streams; encoders use four
	maxPending  = 16 << 20  // bytes held for incomplete messages
	maxPath     = 2 << 10   // bytes of app and stream name with their queries
	maxMessages = 64        // messages until publish or play; encoders need ten

	drainTime  = time.Second // time for a client to read its last response
	drainBytes = 1 << 20
)

// Errors that end a connection.
var (
	// ErrLimit is wrapped when a client exceeds a limit.
	ErrLimit = errors.New("rtmp: limit exceeded")
	// ErrProtocol is wrapped when a client violates the protocol.
	ErrProtocol = errors.New("rtmp: protocol error")
	// ErrDone is returned when the client has ended publishing or playing.
	ErrDone = errors.New("rtmp: ended by the client")
	// ErrIdle is wrapped when a client has sent no data or no media for too long.
	ErrIdle = errors.New("rtmp: no data from the client")
)
