package rtmp

import (
	"errors"
	"fmt"
	"time"
)

// Limits of a connection.
const (
	maxMedia    = 8 << 20   // maximum size of an audio or video message in bytes
	maxCommand  = 64 << 10  // maximum size in bytes of a message that is no media
	minChunk    = 128       // minimum size of a chunk in bytes, also the initial one
	maxChunk    = 1<<31 - 1 // maximum size of a chunk in bytes; a chunk is never longer than its message
	maxStreams  = 32        // maximum number of chunk streams; encoders use four
	maxPending  = 16 << 20  // maximum number of bytes held for incomplete messages of a publisher
	maxPath     = 2 << 10   // maximum size of app and stream name with their queries, in bytes
	maxMessages = 64        // maximum number of messages until publish or play; encoders need ten

	maxPendingCommands = 2 * maxCommand // maximum number of bytes held for incomplete messages of every other client

	// What a server may send to a Publisher after it has accepted the stream: acknowledgements, pings and status, far less than this.
	quotaPeriod  = 10 * time.Second
	quotaBytes   = 1 << 20 // maximum number of bytes in each period
	quotaMessage = 64      // number of bytes that a message counts in addition to its length

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

// quota bounds what the other side sends in each quotaPeriod.
type quota struct {
	begun time.Time // when the period began
	used  int
}

// spend counts bytes. It returns an error that wraps ErrLimit if they exceed the quota.
func (q *quota) spend(now time.Time, bytes int) error {
	if now.Sub(q.begun) >= quotaPeriod {
		q.begun, q.used = now, 0
	}
	if q.used += bytes; q.used > quotaBytes {
		return fmt.Errorf("%w: more than %d bytes within %v", ErrLimit, quotaBytes, quotaPeriod)
	}
	return nil
}
