package native

import (
	"context"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/strictjson"
	"roomlog/realtime/hub"
)

// request is a request frame with a known type.
type request struct {
	requestFrame
	rate rate
}

// execute executes a command as the user. The command counts against the rate of the request.
func (s *session) execute(ctx context.Context, r request, c domain.Command) (eventstore.Receipt, error) {
	return s.Hub.Execute(ctx, s.Identity(), r.rate.ofCommands(), c, r.Key)
}

// access is the condition under which a connection may send a request.
type access int

const (
	_             access = iota // zero is invalid: every operation needs an access rule
	accessAnyone                // even before hello
	accessSession               // only after hello, while the token is valid
)

// rate is the limit against which a request counts.
type rate int

const (
	_            rate = iota // zero is invalid: every operation needs a rate
	rateFrames               // only the frame rate of the connection
	rateJoins                // joins of the user, which package ratelimit limits
	rateComments             // comments of the user
	rateGifts                // gifts of the user
	rateSignIns              // sign-ins of the address and wrong passwords of the user, which Config.EnterCommand limits
	rateChat                 // the limits of the chat, which the methods of chat.Session enforce
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
	case rateSignIns:
		return "sign-ins of the address, wrong passwords of the user"
	case rateChat:
		return "chat"
	}
	return "frames of the connection"
}

// ofCommands returns the limit of the hub against which the commands of a request count.
func (r rate) ofCommands() hub.Rate {
	switch r {
	case rateComments:
		return hub.RateComments
	case rateGifts:
		return hub.RateGifts
	}
	return hub.RateNone
}

// operation describes a type of request: its access rule, rate, documentation and handler.
type operation struct {
	name    string
	access  access
	rate    rate
	summary string // description for authors of clients
	data    any    // zero value of the request data, for the documentation
	reply   any    // zero value of the reply data, for the documentation
	run     func(ctx context.Context, s *session, r request) (any, error)
}

// handler handles a request with data of type T. It returns the data of the reply, or nil if it has already sent the
// reply.
type handler[T any] func(s *session, ctx context.Context, r request, data T) (any, error)

// newOperation returns an operation whose data is decoded as a T.
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
