package cluster

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

const defaultSurveyTimeout = 2 * time.Second

// Config is the configuration of a process in a cluster.
type Config struct {
	Node          string           // the unique name of this process, up to 40 bytes of printable ASCII; "": it does not join
	Now           func() time.Time // the clock; required to join
	Log           *slog.Logger     // nil: silent
	SurveyTimeout time.Duration    // how long a survey waits for replies; default 2 s
}

// Cluster is a deployment as one of its nodes sees it. It is safe for concurrent use.
type Cluster struct {
	transport Transport
	c         Config
	topics    topics
	surveys   surveys
	cleanups  []Cleanup
}

// New returns the cluster behind t. Only Run makes the node a member: Nodes, Publish and Survey work without it.
func New(t Transport, c Config) *Cluster {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.SurveyTimeout = cmp.Or(c.SurveyTimeout, defaultSurveyTimeout)
	return &Cluster{transport: t, c: c, surveys: newSurveys()}
}

// Node returns the name of this node.
func (c *Cluster) Node() string { return c.c.Node }

// Nodes are the names of members, in order.
type Nodes []string

// Contains reports whether node is among them.
func (n Nodes) Contains(node string) bool {
	_, found := slices.BinarySearch(n, node)
	return found
}

// Nodes returns the members that are alive now.
func (c *Cluster) Nodes(ctx context.Context) (Nodes, error) {
	nodes, err := c.transport.Nodes(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the nodes of the cluster: %w", err)
	}
	slices.Sort(nodes)
	return slices.Compact(nodes), nil
}
