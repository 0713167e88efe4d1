package chat

import (
	"context"

	"roomlog/domain"
	"roomlog/eventstore/cluster"
	"roomlog/projections"
	"roomlog/realtime/hub"
)

// lostBatch is how many participants of a lost node are read at once.
const lostBatch = 500

// participantCleanup makes the participants of lost nodes leave the chat.
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
