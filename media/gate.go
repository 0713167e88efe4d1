package media

import (
	"context"
	"errors"
)

// Gate decides before anything is accepted; an error means no. It is asked by many goroutines at once,
// and has some seconds to answer.
type Gate interface {
	// Connect is asked when an RTMP client has said who it is.
	Connect(ctx context.Context, r ConnectRequest) error
	// Publish is asked when a client wants to send a stream.
	Publish(ctx context.Context, r PublishRequest) error
	// Play is asked when a client wants to watch one: once per connection, and once per HLS session.
	Play(ctx context.Context, r PlayRequest) error
}

// ErrUnavailable is what a Gate wraps when it cannot decide. The client is told to try again later, in
// place of being told that it may not.
var ErrUnavailable = errors.New("media: unavailable")

// ConnectRequest is what is known of a client that connects.
type ConnectRequest struct {
	Client Client
	App    string // as the client sent it, with its query
}

// PublishRequest is what is known of a client that wants to publish.
type PublishRequest struct {
	Client Client
	Key    string
	Sign   string
}

// PlayRequest is what is known of a client that wants to play.
type PlayRequest struct {
	Client Client
	Key    string
	Sign   string
}

// SignGate is a Gate that looks at signs and at nothing else.
type SignGate struct{ Signer *Signer }

// Connect lets everybody connect: what counts is decided later.
func (SignGate) Connect(context.Context, ConnectRequest) error { return nil }

// Publish wants a sign of the stream that opens publishing.
func (g SignGate) Publish(_ context.Context, r PublishRequest) error {
	return g.Signer.Verify(ScopePublish, r.Key, r.Sign)
}

// Play wants a sign of the stream that opens playing.
func (g SignGate) Play(_ context.Context, r PlayRequest) error {
	return g.Signer.Verify(ScopePlay, r.Key, r.Sign)
}

// Gates are several, asked one after another until one says no.
type Gates []Gate

// Connect implements Gate.
func (g Gates) Connect(ctx context.Context, r ConnectRequest) error {
	return g.ask(func(one Gate) error { return one.Connect(ctx, r) })
}

// Publish implements Gate.
func (g Gates) Publish(ctx context.Context, r PublishRequest) error {
	return g.ask(func(one Gate) error { return one.Publish(ctx, r) })
}

// Play implements Gate.
func (g Gates) Play(ctx context.Context, r PlayRequest) error {
	return g.ask(func(one Gate) error { return one.Play(ctx, r) })
}

func (g Gates) ask(one func(Gate) error) error {
	for _, gate := range g {
		if err := one(gate); err != nil {
			return err
		}
	}
	return nil
}
