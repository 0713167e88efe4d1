package relay

import (
	"context"
	"errors"
)

// Path begins the paths of requests of other nodes.
const Path = "/relay/"

// headerSign is the header with the relay sign of a request.
const headerSign = "Roomlog-Relay"

// ErrNoOrigin is returned by Origins when no other node has the publisher of a stream, or the file.
var ErrNoOrigin = errors.New("relay: no other node has the stream or the recording")

// Origin is a node that has the publisher of a stream.
type Origin struct {
	Node string // name of the node
	URL  string // internal URL of the node, without a path; "" if it serves no other nodes
}

// Origins finds the publisher of a stream. An interface is needed because this package does not read the log.
type Origins interface {
	// Origin returns the node with the publisher, as the log names it. It returns ErrNoOrigin if no other node has
	// the publisher.
	Origin(ctx context.Context, key string) (Origin, error)
}
