package media

import (
	"errors"
	"fmt"
)

// The errors that end or refuse a connection.
var (
	// ErrUnavailable is wrapped by errors that may be temporary: an Authorizer that cannot decide, a limit, a
	// shutdown. The client may try again later.
	ErrUnavailable = errors.New("media: unavailable")
	// ErrEnded is returned when the server has ended the connection, the broadcast or the player.
	ErrEnded = errors.New("media: ended by the server")
	// ErrAlreadyPublishing is returned when another connection publishes the stream.
	ErrAlreadyPublishing = errors.New("media: the stream is already being published")
	// ErrLimitReached is returned when a limit on connections or streams is reached.
	ErrLimitReached = fmt.Errorf("%w: limit of connections or streams reached", ErrUnavailable)
	// ErrNoBroadcast is returned when a stream has no broadcast.
	ErrNoBroadcast = errors.New("media: the stream has no broadcast")
	// ErrServerClosed is returned when the server is shutting down.
	ErrServerClosed = fmt.Errorf("%w: shutting down", ErrUnavailable)
)

var (
	errUserCut      = fmt.Errorf("%w: the user was disconnected meanwhile", ErrEnded)
	errUnknownApp   = errors.New("media: unknown app")
	errNoKey        = errors.New("media: no stream key")
	errOtherCodec   = errors.New("media: a payload of another codec with which no decoder can begin")
	errNoKeyFrame   = errors.New("media: a picture before the first key frame") // a player that still shows an earlier picture could not decode it
	errTooMuchInput = errors.New("media: the player sends more than a player has to send")
)
