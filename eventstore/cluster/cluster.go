package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"roomlog/internal/wait"
)

const (
	maxNode     = 40 // bytes of a node's name
	rejoinDelay = time.Second

	defaultSurveyTimeout = 2 * time.Second
)

// Config says how a process takes part in a cluster.
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

// Run joins the cluster, delivers messages, replies to surveys and cleans up after lost nodes until ctx ends, and then
// returns nil. It joins again whenever the connection is lost. Call it once, and end it after everything that uses it.
func (c *Cluster) Run(ctx context.Context) error {
	if err := checkNode(c.c.Node); err != nil {
		return err
	}
	if c.c.Now == nil {
		return errors.New("join the cluster: Config.Now is required")
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { c.join(ctx); return nil })
	g.Go(func() error { c.reply(ctx); return nil })
	for _, cleanup := range c.cleanups {
		g.Go(func() error { newCleaner(c, cleanup).run(ctx); return nil })
	}
	return g.Wait()
}

// join keeps the node a member until ctx ends.
func (c *Cluster) join(ctx context.Context) {
	pause := wait.Backoff{Min: rejoinDelay, Max: rejoinDelay}
	for ctx.Err() == nil {
		err := c.transport.Join(ctx, c.c.Node, c.dispatch)
		if ctx.Err() != nil {
			return
		}
		c.c.Log.WarnContext(ctx, "cluster connection lost, joining again", slog.Any("error", err))
		pause.Wait(ctx)
	}
}

// dispatch hands a message to those who wait for it.
func (c *Cluster) dispatch(m Message) {
	if !c.surveys.take(m) {
		c.topics.deliver(m)
	}
}

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

func checkNode(node string) error {
	if node == "" || len(node) > maxNode {
		return fmt.Errorf("the name of a node must have 1 to %d bytes (got %d)", maxNode, len(node))
	}
	for _, c := range []byte(node) {
		if c < ' ' || c > '~' {
			return fmt.Errorf("the name of a node must be printable ASCII (got %q)", node)
		}
	}
	return nil
}
