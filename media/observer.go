package media

import (
	"context"
	"time"

	"roomlog/media/flv"
)

// Observer is told of shows, one after another in the order in which things happened, and never on the
// path of a packet: however long it takes, no frame waits for it. Every show that was started is stopped,
// also by the end of the process.
type Observer interface {
	// PublishStarted tells that a stream has begun and what is in it.
	PublishStarted(ctx context.Context, s Broadcast)
	// PublishStopped tells that it has ended: not when a publisher is lost and comes back in time.
	PublishStopped(ctx context.Context, s Broadcast, why Reason)
}

// PlayObserver is told of players, on the same terms, but when too much waits to be told, new players are
// left out. Whoever was started is stopped.
type PlayObserver interface {
	PlayStarted(ctx context.Context, v PlaySession)
	PlayStopped(ctx context.Context, v PlaySession, why Reason)
}

// ConnectObserver is told of RTMP connections, on the terms of a PlayObserver.
type ConnectObserver interface {
	Connected(ctx context.Context, c Client)
	Disconnected(ctx context.Context, c Client)
}

// Broadcast is one stream from its first frame to its last, with all the reconnects between.
type Broadcast struct {
	ID        string // made here, different for every show
	Key       string
	Publisher Client // the newest
	Video     flv.Codec
	Size      flv.Size
	Audio     flv.Codec
	Sound     flv.Sound
	StartedAt time.Time
	StoppedAt time.Time // zero while it runs
	Frames    uint64    // so far
	Bytes     uint64
}

// PlaySession is one player of a stream.
type PlaySession struct {
	Client    Client
	Key       string
	StartedAt time.Time
	EndedAt   time.Time // zero while it plays
	Bytes     uint64    // so far
	Frames    uint64    // handed to it
	Skips     uint64    // that it was taken to a newer key frame
}

// Reason is why something has ended.
type Reason string

// The reasons.
const (
	ReasonStopped  Reason = "stopped"  // the client said so
	ReasonLost     Reason = "lost"     // its connection broke, or went silent
	ReasonReplaced Reason = "replaced" // its owner took over from another connection
	ReasonKicked   Reason = "kicked"   // an operator said so
	ReasonEnded    Reason = "ended"    // the live, or the stream that was played, is over
	ReasonStalled  Reason = "stalled"  // a player did not take its frames
	ReasonShutdown Reason = "shutdown" // this process ends
)

// final says whether a show ends with a publisher that ends so, or waits for it to come back.
func (r Reason) final() bool { return r != ReasonLost && r != ReasonReplaced }
