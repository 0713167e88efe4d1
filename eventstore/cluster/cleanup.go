package cluster

import (
	"context"
	"time"
)

// Cleanup ends what a lost node held.
type Cleanup struct {
	Name  string        // what is cleaned, for the log: "viewers"
	Grace time.Duration // how long a node may be gone before it is lost
	// Held returns the nodes that hold something, as the tables know it. This node may be among them.
	Held func(ctx context.Context) ([]string, error)
	// Clean ends everything that a lost node held. It has to be idempotent, because several nodes call it, and it is
	// called again after an error and while Held names the node.
	Clean func(ctx context.Context, node string) error
}
