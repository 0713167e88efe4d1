package projections

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
)

// Participant is somebody who is in the chat by one connection.
type Participant struct {
	ID         domain.ParticipantID
	Connection string
	Profile    domain.ChatProfile
	User       Profile // of somebody who is signed in; ID 0 for others
	Nickname   string  // of somebody who is not
	NameKey    string  // of the name; "" for none
	Node       string
	EnteredAt  time.Time
}

// Name is what the guest is called; "" for somebody without a name.
func (g Participant) Name() string {
	if g.User.ID != 0 {
		return g.User.Name()
	}
	return g.Nickname
}

// ChatPresence says whether somebody is in the chat by any connection, and in which room, the newest, "" for none.
func (q *Queries) ChatPresence(ctx context.Context, user domain.UserID) (room domain.ChatRoomID, online bool, err error) {
	type found struct {
		Online bool
		Room   domain.ChatRoomID
	}
	f, err := one(ctx, q, "whether somebody is online", pgx.RowToStructByPos[found], selectChatPresence, user)
	return f.Room, f.Online, err
}

// NodeParticipant is a guest whose connection a server process holds.
type NodeParticipant struct {
	ID      domain.ParticipantID
	NameKey string
}

// NodeParticipants answers up to limit guests whose connections a server process holds, in order, behind one of them.
func (q *Queries) NodeParticipants(ctx context.Context, process string, after domain.ParticipantID, limit int) ([]NodeParticipant, error) {
	return many(ctx, q, "held guests", pgx.RowToStructByPos[NodeParticipant], selectNodeParticipants, process, after, max(limit, 1))
}
