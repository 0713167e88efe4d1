package broadcasts

import (
	"context"
	"fmt"

	"roomlog/domain"
	"roomlog/eventstore/cluster"
	"roomlog/projections"
)

// lostNodeCleanup returns the cleanup that ends the broadcasts of a lost node in the log.
func lostNodeCleanup(cfg Config) cluster.Cleanup {
	return cluster.Cleanup{
		Name:  "broadcasts",
		Grace: cfg.LostNodeGrace,
		Held: func(ctx context.Context) (nodes []string, err error) {
			err = eachBroadcast(ctx, cfg.Queries, func(b projections.Broadcast) error {
				nodes = append(nodes, b.Node)
				return nil
			})
			return nodes, err
		},
		Clean: func(ctx context.Context, node string) error {
			return eachBroadcast(ctx, cfg.Queries, func(b projections.Broadcast) error {
				if b.Node != node {
					return nil
				}
				_, err := cfg.Commands.Execute(ctx, domain.Request{Actor: domain.Actor{Kind: domain.System},
					Command: domain.StopBroadcast{Live: b.Live, Broadcast: b.ID, Cause: domain.StopNodeLost}})
				if err != nil {
					return fmt.Errorf("end the broadcast of live %d: %w", b.Live, err)
				}
				return nil
			})
		},
	}
}
