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

// Config configures a Cluster.
type Config struct {
	Node          string           // unique name of this node, up to 40 bytes of printable ASCII; "": the node does not join the cluster
	Now           func() time.Time // clock of this process; required if the node joins
	Log           *slog.Logger     // receives the messages of the program; nil: none
	SurveyTimeout time.Duration    // time that a survey waits for replies; default 2 s
}

// Cluster connects this node with the other nodes of a deployment. It is safe for concurrent use.
type Cluster struct {
	transport Transport
	c         Config
	topics    topics
	missed    missed
	surveys   surveys
	copies    copies
	cleanups  []Cleanup
}

// New returns a Cluster that uses the transport t. The node becomes a member only while Run runs. Nodes, Publish and
// Survey work without Run.
func New(t Transport, c Config) *Cluster {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.SurveyTimeout = cmp.Or(c.SurveyTimeout, defaultSurveyTimeout)
	return &Cluster{transport: t, c: c, surveys: newSurveys(), copies: newCopies()}
}

// Node returns the name of this node.
func (c *Cluster) Node() string { return c.c.Node }

// Nodes is a sorted list of the names of members.
type Nodes []string

// Contains reports whether the list contains node.
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
