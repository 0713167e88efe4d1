package cluster

import (
	"context"
	"time"
)

// Cleanup describes how to end what a lost node held, for example the presence of its viewers.
type Cleanup struct {
	Name  string        // name in log messages, for example "viewers"
	Grace time.Duration // time for which a node must be missing before it counts as lost
	// Held returns the nodes that hold something according to the tables. The result may contain this node.
	Held func(ctx context.Context) ([]string, error)
	// Clean ends everything that a lost node held. It must be idempotent: several nodes call it, and it is called again
	// after an error, and as long as Held returns the node.
	Clean func(ctx context.Context, node string) error
}
