package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"roomlog/internal/wait"
)

const (
	maxNode     = 40          // maximum length of the name of a node in bytes
	rejoinDelay = time.Second // wait before a member joins again after a lost connection
)

// Run joins the cluster, delivers messages, replies to surveys and cleans up after lost nodes. When ctx ends, it
// returns nil. It joins again whenever the connection is lost. Call it once, and end ctx only when no other code uses
// the cluster.
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
		err := c.transport.Join(ctx, c.c.Node, c.dispatch, c.missed.notify)
		if ctx.Err() != nil {
			return
		}
		c.c.Log.WarnContext(ctx, "cluster connection lost, joining again", slog.Any("error", err))
		pause.Wait(ctx)
	}
}

// dispatch queues m if m is a survey request, and otherwise delivers m to the subscribers of its topic. It
// ignores the second copy of a message.
func (c *Cluster) dispatch(m Message) {
	if m, first := c.copies.take(m); first && !c.surveys.take(m) {
		c.topics.deliver(m)
	}
}

// checkNode returns an error if node cannot be the name of a member.
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
