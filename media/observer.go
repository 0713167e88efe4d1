package media

import (
	"context"
	"time"

	"roomlog/media/flv"
)

// Observer is notified of broadcasts, one call at a time and in the order of the events. A slow observer delays no
// frame. PublishStopped is called for every broadcast for which PublishStarted was called, at the latest when the
// server shuts down.
type Observer interface {
	// PublishStarted is called when a broadcast has begun and its codecs are known.
	PublishStarted(ctx context.Context, b Broadcast)
	// PublishStopped is called when a broadcast has ended. A publisher that reconnects within Config.StreamGrace
	// continues its broadcast.
	PublishStopped(ctx context.Context, b Broadcast, reason Reason)
}

// PlayObserver is notified of players. Its calls and the calls of Observer have one common order. While too many
// notifications are waiting, new players are not announced. PlayStopped is called for every player that was
// announced.
type PlayObserver interface {
	PlayStarted(ctx context.Context, s PlaySession)
	PlayStopped(ctx context.Context, s PlaySession, reason Reason)
}

// ConnectObserver is notified of RTMP connections. As for PlayObserver, a new connection is not announced while too
// many notifications are waiting, and every announced connection is also reported as closed.
type ConnectObserver interface {
	Connected(ctx context.Context, c Client)
	Disconnected(ctx context.Context, c Client)
}

// Broadcast is one publishing session of a stream, from its first frame to its last, including reconnects.
type Broadcast struct {
	ID        string // random, unique
	Key       string
	Publisher Client // client of the newest connection
	Video     flv.Codec
	Size      flv.Size
	Audio     flv.Codec
	Sound     flv.Sound
	StartedAt time.Time
	StoppedAt time.Time // zero while the broadcast runs
	Frames    uint64    // received so far
	Bytes     uint64    // received so far, as FLV tags
}

// PlaySession is one player of a stream.
type PlaySession struct {
	Client    Client
	Key       string
	StartedAt time.Time
	EndedAt   time.Time // zero while the player plays
	Bytes     uint64    // sent so far
	Frames    uint64    // read from the stream so far
	Skips     uint64    // number of times that a slow player was moved to a newer key frame
}

// Reason is the reason for the end of a broadcast or of a connection.
type Reason string

// The reasons.
const (
	ReasonStopped          Reason = "stopped"           // the client stopped publishing or playing
	ReasonLost             Reason = "lost"              // the connection broke or timed out
	ReasonReplaced         Reason = "replaced"          // the owner publishes from another connection
	ReasonKicked           Reason = "kicked"            // an operator disconnected the client
	ReasonEnded            Reason = "ended"             // the live has ended, or the stream that was played
	ReasonOwnerUnavailable Reason = "owner_unavailable" // the owner of the live was banned, disabled or forgotten
	ReasonKeyRevoked       Reason = "key_revoked"       // the publish key of the publisher was replaced or revoked
	ReasonStalled          Reason = "stalled"           // the player accepted no data within the write timeout
	ReasonShutdown         Reason = "shutdown"          // the server shuts down
)

// final reports whether the end of a publisher also ends its broadcast. Otherwise the broadcast waits for a
// reconnect.
func (r Reason) final() bool { return r != ReasonLost && r != ReasonReplaced }
