package media

import "context"

// Authorizer decides whether a client may connect, publish or play. The server calls it before it accepts a request. An
// error refuses the request. If the error wraps ErrUnavailable, the client may try again later. The methods are called
// concurrently, and their context ends after 5 s.
type Authorizer interface {
	// AuthorizeConnect is called when an RTMP client has sent its connect command.
	AuthorizeConnect(ctx context.Context, r ConnectRequest) error
	// AuthorizePublish is called when a client requests to publish a stream.
	AuthorizePublish(ctx context.Context, r PublishRequest) error
	// AuthorizePlay is called when a client requests to play a stream: once per connection, once per play session over
	// HLS, and once per picture.
	AuthorizePlay(ctx context.Context, r PlayRequest) error
}

// ConnectRequest is an RTMP connect command.
type ConnectRequest struct {
	Client Client
	App    string // app as the client sent it, including a query
}

// PublishRequest is a request to publish a stream.
type PublishRequest struct {
	Client Client
	Key    string
	Sign   string
}

// PlayRequest is a request to play a stream.
type PlayRequest struct {
	Client Client
	Key    string
	Sign   string
	Fetch  bool // whether the client fetches an HLS index or a picture, which holds no connection and may be repeated often
}

// SignAuthorizer accepts publishers and players with a valid sign, see Signer. It checks nothing else.
type SignAuthorizer struct{ Signer *Signer }

// AuthorizeConnect accepts every client, because AuthorizePublish and AuthorizePlay check the sign.
func (SignAuthorizer) AuthorizeConnect(context.Context, ConnectRequest) error { return nil }

// AuthorizePublish requires a sign with scope ScopePublish.
func (a SignAuthorizer) AuthorizePublish(_ context.Context, r PublishRequest) error {
	return a.Signer.Verify(ScopePublish, r.Key, r.Sign)
}

// AuthorizePlay requires a sign with scope ScopePlay.
func (a SignAuthorizer) AuthorizePlay(_ context.Context, r PlayRequest) error {
	return a.Signer.Verify(ScopePlay, r.Key, r.Sign)
}

// Authorizers calls several authorizers in order and returns the first error.
type Authorizers []Authorizer

// AuthorizeConnect returns the first error of the authorizers.
func (a Authorizers) AuthorizeConnect(ctx context.Context, r ConnectRequest) error {
	return a.each(func(one Authorizer) error { return one.AuthorizeConnect(ctx, r) })
}

// AuthorizePublish returns the first error of the authorizers.
func (a Authorizers) AuthorizePublish(ctx context.Context, r PublishRequest) error {
	return a.each(func(one Authorizer) error { return one.AuthorizePublish(ctx, r) })
}

// AuthorizePlay returns the first error of the authorizers.
func (a Authorizers) AuthorizePlay(ctx context.Context, r PlayRequest) error {
	return a.each(func(one Authorizer) error { return one.AuthorizePlay(ctx, r) })
}

func (a Authorizers) each(decide func(Authorizer) error) error {
	for _, one := range a {
		if err := decide(one); err != nil {
			return err
		}
	}
	return nil
}
