package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"roomlog/internal/wait"
)

// looksPerGrace is the number of times that a cleanup looks for lost nodes within its grace period.
const looksPerGrace = 4

// OnNodeLost adds a cleanup, which runs while Run runs. Call it before Run.
func (c *Cluster) OnNodeLost(cleanup Cleanup) { c.cleanups = append(c.cleanups, cleanup) }

// cleaner looks for lost nodes and runs one Cleanup for each lost node.
type cleaner struct {
	Cleanup
	cluster *Cluster
	gone    map[string]time.Time // node that holds something and is not alive → since when it is missing
}

func newCleaner(c *Cluster, cleanup Cleanup) *cleaner {
	return &cleaner{cleanup, c, make(map[string]time.Time)}
}

// run looks for lost nodes until ctx ends.
func (k *cleaner) run(ctx context.Context) {
	every := max(k.Grace/looksPerGrace, time.Millisecond)
	for wait.Sleep(ctx, every) {
		if err := k.look(ctx); err != nil && ctx.Err() == nil {
			k.cluster.c.Log.WarnContext(ctx, "cleanup after lost nodes failed, trying again",
				slog.String("cleanup", k.Name), slog.Any("error", err))
		}
	}
}

// look cleans up after the nodes that have been missing for the whole grace period.
func (k *cleaner) look(ctx context.Context) error {
	held, err := k.Held(ctx)
	if err != nil {
		return err
	}
	alive, err := k.cluster.Nodes(ctx)
	if err != nil {
		return err
	}
	now, gone := k.cluster.c.Now(), make(map[string]time.Time)
	for _, node := range held {
		if node == k.cluster.c.Node || alive.Contains(node) {
			continue
		}
		since, known := k.gone[node]
		if !known {
			since = now
		}
		gone[node] = since
	}
	k.gone = gone
	var failed error
	for node, since := range gone {
		if now.Sub(since) < k.Grace {
			continue
		}
		if err := k.Clean(ctx, node); err != nil { // an error with one node does not prevent the cleanup of the others
			failed = fmt.Errorf("node %s: %w", node, err)
			continue
		}
		k.cluster.c.Log.InfoContext(ctx, "cleaned up after a lost node", slog.String("cleanup", k.Name), slog.String("node", node))
	}
	return failed
}
