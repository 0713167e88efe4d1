package projections

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// ProfileRooms is the chat rooms that there are.
var ChatRooms = Projection{
	Name: "chat_rooms", Version: 1, Tables: []string{"chat_room"},
	Handlers: []Handler{on(foldRoomCreated), on(foldRoomRemoved)},
	Write:    writes(writeRooms),
}

type roomsBatch struct {
	id, name, key  []string
	user, position []int64
	at             []time.Time
	removed        []string
}

func foldRoomCreated(b *roomsBatch, r eventstore.Record, e domain.ChatRoomCreated) {
	b.id, b.name, b.key = append(b.id, string(e.ChatRoom)), append(b.name, e.Name), append(b.key, e.NameKey)
	b.user, b.position, b.at = append(b.user, int64(e.User)), append(b.position, r.Position), append(b.at, r.RecordedAt)
}

// foldRoomRemoved takes back a room of the same batch: its name may be that of a later one.
func foldRoomRemoved(b *roomsBatch, _ eventstore.Record, e domain.ChatRoomRemoved) {
	for i, id := range b.id {
		if id != string(e.ChatRoom) {
			continue
		}
		b.id, b.name, b.key = without(b.id, i), without(b.name, i), without(b.key, i)
		b.user, b.position, b.at = without(b.user, i), without(b.position, i), without(b.at, i)
		return
	}
	b.removed = append(b.removed, string(e.ChatRoom))
}

func without[T any](s []T, i int) []T { return append(s[:i:i], s[i+1:]...) }

func writeRooms(b *roomsBatch, tables *pgx.Batch) {
	if len(b.removed) > 0 {
		expect(len(b.removed), tables.Queue(deleteChatRoom, b.removed))
	}
	if len(b.id) > 0 {
		tables.Queue(insertChatRoom, b.id, b.name, b.key, b.user, b.position, b.at)
	}
}

// ChatRoom is a chat room.
type ChatRoom struct {
	ID        domain.ChatRoomID
	Name      string
	NameKey   string
	Position  int64 // of its creation; the order of the list
	CreatedAt time.Time
}

func scanChatRoom(row pgx.CollectableRow) (r ChatRoom, err error) {
	err = row.Scan(&r.ID, &r.Name, &r.NameKey, &r.Position, &r.CreatedAt)
	r.CreatedAt = r.CreatedAt.UTC()
	return r, err
}

// ProfileRooms answers all chat rooms, oldest first. How many there are is bounded by the rules.
func (q *Queries) ChatRooms(ctx context.Context) ([]ChatRoom, error) {
	return many(ctx, q, "rooms", scanChatRoom, selectChatRoom+" ORDER BY position")
}

// ChatRoom answers one chat room, or ErrNotFound.
func (q *Queries) ChatRoom(ctx context.Context, id domain.ChatRoomID) (ChatRoom, error) {
	return one(ctx, q, "room", scanChatRoom, selectChatRoom+" WHERE id = $1", id)
}

// ChatRoomByName answers the chat room of a name, whose key is eventstore.Store.NameKey of it, or ErrNotFound.
func (q *Queries) ChatRoomByName(ctx context.Context, nameKey string) (ChatRoom, error) {
	return one(ctx, q, "room by name", scanChatRoom, selectChatRoom+" WHERE name_key = $1", nameKey)
}

// ChatRoomUser is somebody signed in who is in a chat room.
type ChatRoomUser struct {
	Profile
	ChatRoom  domain.ChatRoomID
	CreatedAt time.Time // of the account
}

// ChatRoomUsers answers the signed-in people in each of some chat rooms, newest first, at most limit of each room.
func (q *Queries) ChatRoomUsers(ctx context.Context, rooms []domain.ChatRoomID, limit int) (map[domain.ChatRoomID][]ChatRoomUser, error) {
	found, err := many(ctx, q, "members of rooms", func(row pgx.CollectableRow) (m ChatRoomUser, err error) {
		err = row.Scan(&m.ChatRoom, &m.ID, &m.Username, &m.Nickname, &m.Avatar, &m.CreatedAt)
		m.CreatedAt = m.CreatedAt.UTC()
		return m, err
	}, selectChatRoomUsers, rooms, min(max(limit, 1), maxPage))
	members := make(map[domain.ChatRoomID][]ChatRoomUser)
	for _, m := range found {
		members[m.ChatRoom] = append(members[m.ChatRoom], m)
	}
	return members, err
}
