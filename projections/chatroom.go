package projections

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/sqltemplate"
)

// ChatRooms projects the existing chat rooms.
var ChatRooms = Projection{
	Name: "chat_rooms", Version: 1, Tables: []string{"chat_room"},
	Handlers: []Handler{on(foldChatRoomCreated), on(foldChatRoomRemoved)},
	Write:    writes(writeChatRooms),
}

type chatRoomsBatch struct {
	id, name, key  []string
	user, position []int64
	at             []time.Time
	removed        []string
}

func foldChatRoomCreated(b *chatRoomsBatch, r eventstore.Record, e domain.ChatRoomCreated) {
	b.id, b.name, b.key = append(b.id, string(e.ChatRoom)), append(b.name, e.Name), append(b.key, e.NameKey)
	b.user, b.position, b.at = append(b.user, int64(e.User)), append(b.position, r.Position), append(b.at, r.RecordedAt)
}

// foldChatRoomRemoved removes a chat room that was created in the same batch, because a later chat room may have its
// name.
func foldChatRoomRemoved(b *chatRoomsBatch, _ eventstore.Record, e domain.ChatRoomRemoved) {
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

// without returns s without the element at index i.
func without[T any](s []T, i int) []T { return append(s[:i:i], s[i+1:]...) }

func writeChatRooms(b *chatRoomsBatch, tables *pgx.Batch) {
	if len(b.removed) > 0 {
		expect(len(b.removed), tables.Queue(deleteChatRoom, b.removed))
	}
	if len(b.id) > 0 {
		tables.Queue(insertChatRoom, b.id, b.name, b.key, b.user, b.position, b.at)
	}
}

// ChatRoom is a row of table chat_room: a chat room that exists.
type ChatRoom struct {
	ID        domain.ChatRoomID
	Name      string
	NameKey   string
	Position  int64 // position of the event that created the chat room; orders the list
	CreatedAt time.Time
}

func scanChatRoom(row pgx.CollectableRow) (r ChatRoom, err error) {
	err = row.Scan(&r.ID, &r.Name, &r.NameKey, &r.Position, &r.CreatedAt)
	r.CreatedAt = r.CreatedAt.UTC()
	return r, err
}

// ChatRooms returns all chat rooms, oldest first. Package domain limits how many there are.
func (q *Queries) ChatRooms(ctx context.Context) ([]ChatRoom, error) {
	return many(ctx, q, "chat rooms", scanChatRoom, selectChatRoom.With(nil))
}

// UnusedChatRooms returns the chat rooms that have no participants and no message since usedBefore, oldest first. A
// chat room that never had a message is unused if it was created before emptyBefore. The result includes chat rooms of
// operators.
func (q *Queries) UnusedChatRooms(ctx context.Context, emptyBefore, usedBefore time.Time) ([]ChatRoom, error) {
	return many(ctx, q, "unused chat rooms", scanChatRoom, selectUnusedChatRooms, emptyBefore, usedBefore)
}

// ChatRoom returns a chat room, or ErrNotFound.
func (q *Queries) ChatRoom(ctx context.Context, id domain.ChatRoomID) (ChatRoom, error) {
	return one(ctx, q, "chat room", scanChatRoom, selectChatRoom.With(sqltemplate.Options{"id": true}), id)
}

// ChatRoomByName returns the chat room with a name, or ErrNotFound. nameKey is the result of eventstore.Store.NameKey
// for the name.
func (q *Queries) ChatRoomByName(ctx context.Context, nameKey string) (ChatRoom, error) {
	return one(ctx, q, "chat room by name", scanChatRoom, selectChatRoom.With(sqltemplate.Options{"name": true}), nameKey)
}
