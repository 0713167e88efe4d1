package rtmp

import (
	"errors"
	"time"
)

// How much a client may ask of us, whoever it is.
const (
	maxMedia    = 8 << 20  // bytes of an audio or video message
	maxCommand  = 64 << 10 // bytes of any other
	minChunk    = 128      // bytes, what every client begins with
	maxChunk    = 1 << 20
	maxStreams  = 32       // chunk streams; encoders use four
	maxPending  = 16 << 20 // bytes held for messages that are not complete
	maxPath     = 2 << 10  // bytes of an app or a stream name with its query
	maxMessages = 64       // up to publish or play; encoders need ten

	drainTime  = time.Second // for a client to read its last answer
	drainBytes = 1 << 20
)

// What ends a connection.
var (
	// ErrLimit is wrapped when a client asks for more than the limits.
	ErrLimit = errors.New("rtmp: limit exceeded")
	// ErrProtocol is wrapped when a client sends what is no RTMP.
	ErrProtocol = errors.New("rtmp: protocol error")
	// ErrDone is returned when a client said that it has finished.
	ErrDone = errors.New("rtmp: the client has finished")
	// ErrIdle is wrapped when a client is there but says nothing.
	ErrIdle = errors.New("rtmp: the client is silent")
)
