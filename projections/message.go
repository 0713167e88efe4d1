package projections

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// Messages is what was said in the chat.
var Messages = Projection{
	Name: "messages", Version: 1, Tables: []string{"message", "message_chat_room"},
	Handlers: []Handler{on(foldMessage), on(foldMessagesForgotten), on(foldGuestForgotten)},
	Write:    writes(writeMessages),
}

type messagesBatch struct {
	said      []messageRow
	forgotten []int64 // like domain.KeyOwner
}

type messageRow struct {
	domain.MessagePosted
	position int64
	id       string
	at       time.Time
}

func foldMessage(b *messagesBatch, r eventstore.Record, e domain.MessagePosted) {
	b.said = append(b.said, messageRow{e, r.Position, shortID(r), r.RecordedAt})
}

func foldMessagesForgotten(b *messagesBatch, _ eventstore.Record, e domain.UserForgotten) {
	b.forgotten = append(b.forgotten, int64(e.ForgottenKeyOwner()))
}

func foldGuestForgotten(b *messagesBatch, _ eventstore.Record, e domain.ParticipantForgotten) {
	b.forgotten = append(b.forgotten, int64(e.ForgottenKeyOwner()))
}

func writeMessages(b *messagesBatch, tables *pgx.Batch) {
	if len(b.said) > 0 {
		b.queueSaid(tables)
	}
	if len(b.forgotten) > 0 {
		tables.Queue(eraseMessage, b.forgotten)
	}
}

func (b *messagesBatch) queueSaid(tables *pgx.Batch) {
	var position, guest, user, toUser, toGuest, in []int64
	var id, connection, nickname, kind, text, room []string
	var ms []int32
	var public []bool
	var at []time.Time
	for _, m := range b.said {
		position, id, at = append(position, m.position), append(id, m.id), append(at, m.at)
		guest, connection, user = append(guest, int64(m.Participant)), append(connection, m.Connection), append(user, int64(m.User))
		nickname, kind, text, ms = append(nickname, m.Nickname), append(kind, string(m.Kind)), append(text, m.Text), append(ms, int32(m.DurationMS))
		toUser, toGuest, public = append(toUser, int64(m.ToUser)), append(toGuest, int64(m.ToParticipant)), append(public, m.Public())
		for _, r := range m.ChatRooms {
			room, in = append(room, string(r)), append(in, m.position)
		}
	}
	tables.Queue(insertMessage, position, id, guest, connection, user, nickname, kind, text, ms, toUser, toGuest, public, at)
	if len(room) > 0 {
		tables.Queue(insertMessageChatRoom, room, in)
	}
}

// Message is what somebody said in the chat.
type Message struct {
	Position      int64
	ID            string // as in its Delta
	Participant   domain.ParticipantID
	Connection    string
	User          Profile   // of somebody who was signed in; ID 0 for others
	CreatedAt     time.Time // of that person's account
	Nickname      string    // of somebody who was not
	Kind          domain.MessageKind
	Text          string
	DurationMS    int
	ToUser        domain.UserID
	ToParticipant domain.ParticipantID
	SentAt        time.Time
}

// Name is what who said it is called; "" for somebody without a name.
func (m Message) Name() string {
	if m.User.ID != 0 {
		return m.User.Name()
	}
	return m.Nickname
}

func scanMessage(row pgx.CollectableRow) (m Message, err error) {
	err = row.Scan(&m.Position, &m.ID, &m.Participant, &m.Connection, &m.User.ID, &m.User.Username, &m.User.Nickname, &m.User.Avatar,
		&m.CreatedAt, &m.Nickname, &m.Kind, &m.Text, &m.DurationMS, &m.ToUser, &m.ToParticipant, &m.SentAt)
	m.CreatedAt, m.SentAt = m.CreatedAt.UTC(), m.SentAt.UTC()
	return m, err
}

// ChatRoomMessages answers a page of what was said in a chat room.
func (q *Queries) ChatRoomMessages(ctx context.Context, room domain.ChatRoomID, w Window) ([]Message, error) {
	after, before, limit := w.bounds()
	return many(ctx, q, "messages of a room", scanMessage, w.in(selectChatRoomMessages), room, after, before, limit)
}

// PublicMessages answers a page of what was said to everybody.
func (q *Queries) PublicMessages(ctx context.Context, w Window) ([]Message, error) {
	after, before, limit := w.bounds()
	return many(ctx, q, "public messages", scanMessage, w.in(selectPublicMessages), after, before, limit)
}
