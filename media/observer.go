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
	PublishStarted(ctx context.Context, s Show)
	// PublishStopped tells that it has ended: not when a publisher is lost and comes back in time.
	PublishStopped(ctx context.Context, s Show, why Reason)
}

// PlayObserver is told of players, on the same terms, but when too much waits to be told, new players are
// left out. Whoever was started is stopped.
type PlayObserver interface {
	PlayStarted(ctx context.Context, v Viewing)
	PlayStopped(ctx context.Context, v Viewing, why Reason)
}

// ConnectObserver is told of RTMP connections, on the terms of a PlayObserver.
type ConnectObserver interface {
	Connected(ctx context.Context, c Client)
	Disconnected(ctx context.Context, c Client)
}

// Show is one stream from its first frame to its last, with all the reconnects between.
type Show struct {
	ID        string // made here, different for every show
	Key       string
	Publisher Client // the newest
	Video     flv.Codec
	Size      flv.Size
	Audio     flv.Codec
	Sound     flv.Sound
	Started   time.Time
	Stopped   time.Time // zero while it runs
	Frames    uint64    // so far
	Bytes     uint64
}

// Viewing is one player of a stream.
type Viewing struct {
	Client Client
	Key    string
	Began  time.Time
	Ended  time.Time // zero while it plays
	Bytes  uint64    // so far
	Frames uint64    // handed to it
	Skips  uint64    // that it was taken to a newer key frame
}

// Reason is why something has ended.
type Reason string

// The reasons.
const (
	Stopped  Reason = "stopped"  // the client said so
	Lost     Reason = "lost"     // its connection broke, or went silent
	Replaced Reason = "replaced" // its owner took over from another connection
	Kicked   Reason = "kicked"   // an operator said so
	Ended    Reason = "ended"    // the live, or the stream that was played, is over
	Stalled  Reason = "stalled"  // a player did not take its frames
	Shutdown Reason = "shutdown" // this process ends
)

// final says whether a show ends with a publisher that ends so, or waits for it to come back.
func (r Reason) final() bool { return r != Lost && r != Replaced }
