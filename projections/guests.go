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

func scanChatGuest(row pgx.CollectableRow) (g ChatGuest, err error) {
	err = row.Scan(&g.ID, &g.Connection, &g.Profile, &g.User.ID, &g.User.Username, &g.User.Nickname, &g.User.Avatar,
		&g.Nickname, &g.NameKey, &g.Process, &g.EnteredAt)
	g.EnteredAt = g.EnteredAt.UTC()
	return g, err
}

// RoomGuests answers the newest guests of a chat room, newest first: 50, or up to 500 if asked.
func (q *Queries) RoomGuests(ctx context.Context, room domain.RoomID, limit int) ([]ChatGuest, error) {
	return many(ctx, q, "guests of a room", scanChatGuest,
		selectChatGuests+" JOIN seat s ON s.guest_id = g.id WHERE s.room = $1 ORDER BY s.joined DESC LIMIT $2", room, Window{Limit: limit}.size())
}

// GuestsOf answers the newest guests of a profile, newest first: 50, or up to 500 if asked.
func (q *Queries) GuestsOf(ctx context.Context, profile domain.ChatProfile, limit int) ([]ChatGuest, error) {
	return many(ctx, q, "guests of a profile", scanChatGuest,
		selectChatGuests+" WHERE g.profile = $1 ORDER BY g.id DESC LIMIT $2", profile, Window{Limit: limit}.size())
}

// GuestsCalled answers the guests that are called by a name, whose key is eventstore.Store.NameKey of it, newest first.
func (q *Queries) GuestsCalled(ctx context.Context, nameKey string) ([]ChatGuest, error) {
	return many(ctx, q, "guests by name", scanChatGuest,
		selectChatGuests+" WHERE g.name_key = $1 AND g.name_key <> '' ORDER BY g.id DESC LIMIT $2", nameKey, roomRows)
}

// GuestConnected answers the newest guest of a connection, by its public id, or ErrNotFound.
func (q *Queries) GuestConnected(ctx context.Context, connection string) (ChatGuest, error) {
	return one(ctx, q, "guest by connection", scanChatGuest,
		selectChatGuests+" WHERE g.connection = $1 ORDER BY g.id DESC LIMIT 1", connection)
}

// Guest answers a guest who is here, or ErrNotFound.
func (q *Queries) Guest(ctx context.Context, id domain.GuestID) (ChatGuest, error) {
	return one(ctx, q, "guest", scanChatGuest, selectChatGuests+" WHERE g.id = $1", id)
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
