package hub

import (
	"context"
	"fmt"
	"sync"

	"roomlog/domain"
	"roomlog/eventstore/cluster"
	"roomlog/projections"
)

const (
	lostBatch  = 500 // number of viewers that one query reads
	lostAtOnce = 64  // number of commands that are executed at the same time, so that the log appends their events in one batch
)

// viewerCleanup returns the cleanup that makes the viewers of a lost node leave. Viewers who have reconnected to
// another node in time do not leave.
func viewerCleanup(cfg Config) cluster.Cleanup {
	return cluster.Cleanup{
		Name: "viewers", Grace: cfg.PresenceGrace, Held: cfg.Queries.Nodes,
		Clean: func(ctx context.Context, node string) error {
			return CleanUp(ctx, cfg.Commands,
				func(after projections.ViewerKey) ([]projections.ViewerKey, error) {
					return cfg.Queries.NodeViewers(ctx, node, after, lostBatch)
				},
				func(v projections.ViewerKey) domain.Command {
					return domain.LeaveLive{Live: v.Live, User: v.User, Cause: domain.LeaveNodeLost, Node: node}
				})
		},
	}
}

// CleanUp executes one command for each item that a lost node held, such as a viewer. next returns the next items after
// the item after; CleanUp starts with the zero value and ends when next returns none. It skips an item for which
// command returns nil.
func CleanUp[T any](ctx context.Context, commands Executor, next func(after T) ([]T, error), command func(T) domain.Command) error {
	var last T
	for {
		held, err := next(last)
		if err != nil || len(held) == 0 {
			return err
		}
		batch := make([]domain.Command, 0, len(held))
		for _, one := range held {
			if c := command(one); c != nil {
				batch = append(batch, c)
			}
		}
		if err := executeAll(ctx, commands, batch); err != nil {
			return err
		}
		last = held[len(held)-1]
	}
}

// executeAll executes commands as the system and returns the first error.
func executeAll(ctx context.Context, commands Executor, batch []domain.Command) error {
	ctx, cancel := context.WithTimeout(ctx, CommandTimeout)
	defer cancel()
	var running sync.WaitGroup
	var once sync.Once
	var failed error
	slots := make(chan struct{}, lostAtOnce)
	for _, c := range batch {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			if _, err := commands.Execute(ctx, domain.Request{Actor: domain.Actor{Kind: domain.System}, Command: c}); err != nil {
				once.Do(func() { failed = fmt.Errorf("%s: %w", c.Type(), err) })
			}
		})
	}
	running.Wait()
	return failed
}
