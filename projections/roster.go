package projections

import (
	"context"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
)

// RosterEntry is a guest of the chat, and the rooms that the guest is in.
type RosterEntry struct {
	Participant
	ChatRooms []domain.ChatRoomID // in the order of joining
}

// Roster answers up to limit guests of the chat, in order, behind one of them.
func (q *Queries) Roster(ctx context.Context, after domain.ParticipantID, limit int) ([]RosterEntry, error) {
	return many(ctx, q, "everybody in the chat", func(row pgx.CollectableRow) (g RosterEntry, err error) {
		err = row.Scan(&g.ID, &g.Connection, &g.Profile, &g.User.ID, &g.User.Username, &g.User.Nickname, &g.User.Avatar, &g.User.CreatedAt,
			&g.Nickname, &g.NameKey, &g.Node, &g.EnteredAt, &g.ChatRooms)
		g.EnteredAt = g.EnteredAt.UTC()
		return g, err
	}, selectRoster, after, min(max(limit, 1), maxPage))
}
