package native

import (
	"context"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/strictjson"
	"roomlog/realtime/hub"
)

// request is a request frame whose type is known.
type request struct {
	requestFrame
	rate rate
}

// execute executes a command of the user, which counts against the rate of the request.
func (s *session) execute(ctx context.Context, r request, c domain.Command) (eventstore.Receipt, error) {
	return s.Hub.Execute(ctx, s.Identity(), r.rate.ofCommands(), c, r.Key)
}

// access is the condition under which a connection may send a request.
type access int

const (
	_             access = iota // every operation names its access
	accessAnyone                // also before hello
	accessSession               // after hello, while the token is valid
)

// rate is the limit that a request counts against.
type rate int

const (
	_            rate = iota // every operation names its rate
	rateFrames               // the frame rate of the connection alone
	rateJoins                // joins of the user, which package ratelimit limits
	rateComments             // comments of the user
	rateGifts                // gifts of the user
	rateChat                 // the limits of the chat session, which all its methods enforce
)

// String returns the access for the documentation.
func (a access) String() string {
	if a == accessAnyone {
		return "anyone"
	}
	return "after hello"
}

// String returns the limit for the documentation.
func (r rate) String() string {
	switch r {
	case rateJoins:
		return "joins of the user"
	case rateComments:
		return "comments of the user"
	case rateGifts:
		return "gifts of the user"
	case rateChat:
		return "chat"
	}
	return "frames of the connection"
}

// ofCommands returns the limit of the hub for the commands of a request.
func (r rate) ofCommands() hub.Rate {
	switch r {
	case rateComments:
		return hub.RateComments
	case rateGifts:
		return hub.RateGifts
	}
	return hub.RateNone
}

// operation defines a type of request: its access, rate limit, documentation and handler.
type operation struct {
	name    string
	access  access
	rate    rate
	summary string // for authors of clients
	data    any    // a zero value, for the documentation
	reply   any    // a zero value, for the documentation
	run     func(ctx context.Context, s *session, r request) (any, error)
}

// handler handles a request with data of type T. It returns the data of the reply, or nil if it has sent the reply.
type handler[T any] func(s *session, ctx context.Context, r request, data T) (any, error)

// newOperation returns an operation that decodes its data as a T.
func newOperation[T any](name string, a access, r rate, summary string, reply any, run handler[T]) operation {
	var zero T
	return operation{name, a, r, summary, zero, reply, func(ctx context.Context, s *session, r request) (any, error) {
		var data T
		if len(r.Data) > 0 {
			if err := strictjson.Unmarshal(r.Data, &data); err != nil {
				return nil, malformedFrame(err)
			}
		}
		return run(s, ctx, r, data)
	}}
}
