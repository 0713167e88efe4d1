package media

import (
	"context"
	"time"

	"roomlog/media/flv"
)

// Observer is notified of broadcasts, with one call at a time and in the order of their beginnings and ends. A slow
// observer delays no frame. PublishStopped is called for every broadcast for which PublishStarted was called, at the
// latest when the server shuts down.
type Observer interface {
	// PublishStarted is called when a broadcast has begun and its codecs are known.
	PublishStarted(ctx context.Context, b Broadcast)
	// PublishStopped is called when a broadcast has ended. A publisher that reconnects within Config.StreamGrace
	// continues its broadcast.
	PublishStopped(ctx context.Context, b Broadcast, reason Reason)
}

// PlayObserver is notified of players. Its calls and the calls of Observer have one common order. While too many
// notifications are waiting, new players are not announced. PlayStopped is called for every player that was announced.
type PlayObserver interface {
	PlayStarted(ctx context.Context, s PlaySession)
	PlayStopped(ctx context.Context, s PlaySession, reason Reason)
}

// ConnectObserver is notified of RTMP connections. While too many notifications are waiting, new connections are not
// announced. The end of every announced connection is reported, too.
type ConnectObserver interface {
	Connected(ctx context.Context, c Client)
	Disconnected(ctx context.Context, c Client)
}

// Broadcast is the stream of a key from its first frame to its last, including reconnects of the publisher.
type Broadcast struct {
	ID        string // random id
	Key       string
	Publisher Client // the client on the newest connection
	Video     flv.Codec
	Size      flv.Size
	Audio     flv.Codec
	Sound     flv.Sound
	StartedAt time.Time
	StoppedAt time.Time // zero while the broadcast runs
	Frames    uint64    // number of frames received so far
	Bytes     uint64    // number of bytes received so far, as FLV tags
}

// PlaySession is one player of a stream.
type PlaySession struct {
	Client    Client
	Key       string
	StartedAt time.Time
	EndedAt   time.Time // zero while the player plays
	Bytes     uint64    // number of bytes sent so far
	Frames    uint64    // number of frames read from the stream so far
	Skips     uint64    // number of times that a slow player was moved to a newer key frame
}

// Reason is the reason for the end of a broadcast or a connection.
type Reason string

// The reasons.
const (
	ReasonStopped          Reason = "stopped"           // the client stopped publishing or playing
	ReasonLost             Reason = "lost"              // the connection broke or timed out
	ReasonReplaced         Reason = "replaced"          // the owner publishes from another connection
	ReasonKicked           Reason = "kicked"            // an operator disconnected the client
	ReasonEnded            Reason = "ended"             // the live, or the stream that was played, has ended
	ReasonOwnerUnavailable Reason = "owner_unavailable" // the owner of the live was banned, disabled or forgotten
	ReasonKeyRevoked       Reason = "key_revoked"       // the publish key of the publisher was replaced or revoked
	ReasonStalled          Reason = "stalled"           // the player accepted no data within the write timeout
	ReasonShutdown         Reason = "shutdown"          // the server shuts down
)

// final reports whether the broadcast of a publisher also ends for this reason. Otherwise the broadcast waits for the
// publisher to reconnect.
func (r Reason) final() bool { return r != ReasonLost && r != ReasonReplaced }
