package relay

import (
	"errors"

	lru "github.com/hashicorp/golang-lru/v2"

	"roomlog/internal/loglimit"
)

// maxFaults is the maximum number of nodes whose last fault is remembered.
const maxFaults = 1000

// errNoURL is the fault of a node that serves no other nodes.
var errNoURL = errors.New("relay: the node has no internal URL")

// faults remembers for each node why its streams were not available. A fault is logged once, and not for each stream, player and
// attempt. It is safe for concurrent use.
type faults struct {
	causes *lru.Cache[string, *loglimit.Cause]
}

func newFaults() *faults {
	causes, err := lru.New[string, *loglimit.Cause](maxFaults)
	if err != nil {
		panic("relay: " + err.Error()) // cannot happen: the size is positive
	}
	return &faults{causes}
}

// changed records the error of an attempt to relay a stream of a node, or nil if it succeeded. It reports whether the previous attempt
// had another error or result. Errors are compared without what wraps them: the URL of a stream and the addresses of a connection.
func (f *faults) changed(node string, err error) bool {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	cause := &loglimit.Cause{}
	if known, found, _ := f.causes.PeekOrAdd(node, cause); found {
		cause = known
	}
	return cause.Changed(err)
}
