package media

import (
	"context"
	"errors"
)

// Authorizer decides before anything is accepted; an error means no. It is asked by many goroutines at once,
// and has some seconds to answer.
type Authorizer interface {
	// Connect is asked when an RTMP client has said who it is.
	AuthorizeConnect(ctx context.Context, r ConnectRequest) error
	// Publish is asked when a client wants to send a stream.
	AuthorizePublish(ctx context.Context, r PublishRequest) error
	// Play is asked when a client wants to watch one: once per connection, and once per HLS session.
	AuthorizePlay(ctx context.Context, r PlayRequest) error
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

// SignAuthorizer is a Gate that looks at signs and at nothing else.
type SignAuthorizer struct{ Signer *Signer }

// AuthorizeConnect lets everybody connect: what counts is decided later.
func (SignAuthorizer) AuthorizeConnect(context.Context, ConnectRequest) error { return nil }

// AuthorizePublish wants a sign of the stream that opens publishing.
func (g SignAuthorizer) AuthorizePublish(_ context.Context, r PublishRequest) error {
	return g.Signer.Verify(ScopePublish, r.Key, r.Sign)
}

// AuthorizePlay wants a sign of the stream that opens playing.
func (g SignAuthorizer) AuthorizePlay(_ context.Context, r PlayRequest) error {
	return g.Signer.Verify(ScopePlay, r.Key, r.Sign)
}

// Authorizers are several, asked one after another until one says no.
type Authorizers []Authorizer

// AuthorizeConnect implements Gate.
func (g Authorizers) AuthorizeConnect(ctx context.Context, r ConnectRequest) error {
	return g.ask(func(one Authorizer) error { return one.AuthorizeConnect(ctx, r) })
}

// AuthorizePublish implements Gate.
func (g Authorizers) AuthorizePublish(ctx context.Context, r PublishRequest) error {
	return g.ask(func(one Authorizer) error { return one.AuthorizePublish(ctx, r) })
}

// AuthorizePlay implements Gate.
func (g Authorizers) AuthorizePlay(ctx context.Context, r PlayRequest) error {
	return g.ask(func(one Authorizer) error { return one.AuthorizePlay(ctx, r) })
}

func (g Authorizers) ask(one func(Authorizer) error) error {
	for _, gate := range g {
		if err := one(gate); err != nil {
			return err
		}
	}
	return nil
}
