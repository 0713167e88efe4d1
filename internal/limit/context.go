package limit

import "context"

type (
	addressKey struct{}
	requestKey struct{}
)

// WithAddress returns ctx with the key of the client's address, see Key. The commands of a request are counted under
// it.
func WithAddress(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, addressKey{}, key)
}

// AddressOf returns the key that WithAddress has added, or "".
func AddressOf(ctx context.Context) string {
	key, _ := ctx.Value(addressKey{}).(string)
	return key
}

// Request is a request of a client that uses a slot until its handler returns.
type Request interface {
	// Pause records that the handler waits for something other than its client. Until Resume is called, a new connection
	// may take the slot. Then the context of the request ends.
	Pause()
	// Resume ends the effect of one call of Pause.
	Resume()
	// Detach releases the slot, because the handler has taken one of other Slots.
	Detach()
}

// WithRequest returns ctx with the request that is handled with it.
func WithRequest(ctx context.Context, r Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// Pause calls Request.Pause, and returns the function that ends the pause. A handler calls it before it waits for an event,
// another client or another service. Pause does nothing if ctx has no request.
func Pause(ctx context.Context) (resume func()) {
	r, found := ctx.Value(requestKey{}).(Request)
	if !found {
		return func() {}
	}
	r.Pause()
	return r.Resume
}

// Detach calls Request.Detach. It does nothing if ctx has no request.
func Detach(ctx context.Context) {
	if r, found := ctx.Value(requestKey{}).(Request); found {
		r.Detach()
	}
}
