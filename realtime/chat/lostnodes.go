package chat

import (
	"context"

	"roomlog/domain"
	"roomlog/eventstore/cluster"
	"roomlog/projections"
	"roomlog/realtime/hub"
)

// lostBatch is the number of participants of a lost node that one query reads.
const lostBatch = 500

// participantCleanup returns the cleanup that makes the participants of a lost node leave the chat.
func participantCleanup(cfg Config) cluster.Cleanup {
	return cluster.Cleanup{
		Name: "participants", Grace: cfg.Hub.PresenceGrace(), Held: cfg.Queries.Nodes,
		Clean: func(ctx context.Context, node string) error {
			return hub.CleanUp(ctx, cfg.Commands,
				func(after projections.NodeParticipant) ([]projections.NodeParticipant, error) {
					return cfg.Queries.NodeParticipants(ctx, node, after.ID, lostBatch)
				},
				func(p projections.NodeParticipant) domain.Command {
					return domain.LeaveChat{Participant: p.ID, Cause: domain.LeaveNodeLost, Node: node, NameKey: p.NameKey}
				})
		},
	}
}
