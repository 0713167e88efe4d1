package projections

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
)

// ChatGuest is somebody who is in the chat by one connection.
type ChatGuest struct {
	ID         domain.GuestID
	Connection string
	Profile    domain.ChatProfile
	User       Profile // of somebody who is signed in; ID 0 for others
	Nickname   string  // of somebody who is not
	NameKey    string  // of the name; "" for none
	Process    string
	EnteredAt  time.Time
}

// Name is what the guest is called; "" for somebody without a name.
func (g ChatGuest) Name() string {
	if g.User.ID != 0 {
		return g.User.Name()
	}
	return g.Nickname
}

// Online says whether somebody is in the chat by any connection, and in which room, the newest, "" for none.
func (q *Queries) Online(ctx context.Context, user domain.UserID) (room domain.RoomID, online bool, err error) {
	type found struct {
		Online bool
		Room   domain.RoomID
	}
	f, err := one(ctx, q, "whether somebody is online", pgx.RowToStructByPos[found], selectOnline, user)
	return f.Room, f.Online, err
}

// HeldGuest is a guest whose connection a server process holds.
type HeldGuest struct {
	ID      domain.GuestID
	NameKey string
}

// HeldGuests answers up to limit guests whose connections a server process holds, in order, behind one of them.
func (q *Queries) HeldGuests(ctx context.Context, process string, after domain.GuestID, limit int) ([]HeldGuest, error) {
	return many(ctx, q, "held guests", pgx.RowToStructByPos[HeldGuest], selectHeldGuests, process, after, max(limit, 1))
}
