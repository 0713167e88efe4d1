package projections

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/sqltemplate"
)

// Messages projects the messages of the chat.
var Messages = Projection{
	Name: "messages", Version: 1, Tables: []string{"message", "message_chat_room"},
	Handlers: []Handler{on(foldMessage), on(foldUserMessagesForgotten), on(foldParticipantMessagesForgotten)},
	Write:    writes(writeMessages),
}

type messagesBatch struct {
	posted    []messageRow
	forgotten []int64 // owners of destroyed keys, see domain.KeyOwner
}

type messageRow struct {
	domain.MessagePosted
	position int64
	id       string
	at       time.Time
}

func foldMessage(b *messagesBatch, r eventstore.Record, e domain.MessagePosted) {
	b.posted = append(b.posted, messageRow{e, r.Position, shortID(r), r.RecordedAt})
}

func foldUserMessagesForgotten(b *messagesBatch, _ eventstore.Record, e domain.UserForgotten) {
	b.forgotten = append(b.forgotten, int64(e.ForgottenKeyOwner()))
}

func foldParticipantMessagesForgotten(b *messagesBatch, _ eventstore.Record, e domain.ParticipantForgotten) {
	b.forgotten = append(b.forgotten, int64(e.ForgottenKeyOwner()))
}

func writeMessages(b *messagesBatch, tables *pgx.Batch) {
	if len(b.posted) > 0 {
		b.queuePosted(tables)
	}
	if len(b.forgotten) > 0 {
		tables.Queue(eraseMessage, b.forgotten)
	}
}

func (b *messagesBatch) queuePosted(tables *pgx.Batch) {
	var position, participant, user, toUser, toParticipant, roomPosition []int64
	var id, connection, nickname, kind, text, room []string
	var duration []int32
	var public []bool
	var at []time.Time
	for _, m := range b.posted {
		position, id, at = append(position, m.position), append(id, m.id), append(at, m.at)
		participant, connection, user = append(participant, int64(m.Participant)), append(connection, m.Connection), append(user, int64(m.User))
		nickname, kind, text, duration = append(nickname, m.Nickname), append(kind, string(m.Kind)), append(text, m.Text), append(duration, int32(m.DurationMS))
		toUser, toParticipant, public = append(toUser, int64(m.ToUser)), append(toParticipant, int64(m.ToParticipant)), append(public, m.Public())
		for _, r := range m.ChatRooms {
			room, roomPosition = append(room, string(r)), append(roomPosition, m.position)
		}
	}
	tables.Queue(insertMessage, position, id, participant, connection, user, nickname, kind, text, duration, toUser, toParticipant, public, at)
	if len(room) > 0 {
		tables.Queue(insertMessageChatRoom, room, roomPosition)
	}
}

// Message is a message of the chat, with the current profile of its author.
type Message struct {
	Position      int64
	ID            string // id of the delta about the message
	Participant   domain.ParticipantID
	Connection    string
	User          Profile   // profile of the author; ID is 0 if the author is anonymous
	CreatedAt     time.Time // time at which the author registered
	Nickname      string    // nickname of an anonymous author
	Kind          domain.MessageKind
	Text          string
	DurationMS    int
	ToUser        domain.UserID
	ToParticipant domain.ParticipantID
	SentAt        time.Time
}

// Name returns the name of the author, or "" if the author has none.
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

// ChatRoomMessages returns a page with messages to a chat room.
func (q *Queries) ChatRoomMessages(ctx context.Context, room domain.ChatRoomID, w Window) ([]Message, error) {
	after, before, limit := w.bounds()
	return many(ctx, q, "messages of a chat room", scanMessage, selectChatRoomMessages.With(w.options()), room, after, before, limit)
}

// PublicMessages returns a page with messages in the public chat.
func (q *Queries) PublicMessages(ctx context.Context, w Window) ([]Message, error) {
	after, before, limit := w.bounds()
	return many(ctx, q, "public messages", scanMessage, selectPublicMessages.With(w.options()), after, before, limit)
}

// Comments projects the comments in lives.
var Comments = Projection{
	Name: "comments", Version: 2, // version 1 in tables without moderation_act, see migration 16
	Tables:   []string{"comment"},
	Handlers: []Handler{on(foldComment), on(foldCommentRemoved), on(foldCommentsCleared), on(foldCommentsForgotten)},
	Write:    writes(writeComments),
}

type commentsBatch struct {
	position, live, user []int64
	id, text             []string
	at                   []time.Time
	removed              []int64 // positions of comments
	cleared              struct{ live, user, position []int64 }
	forgotten            []int64
}

func foldComment(b *commentsBatch, r eventstore.Record, e domain.CommentPosted) {
	b.position, b.live, b.user = append(b.position, r.Position), append(b.live, int64(e.Live)), append(b.user, int64(e.User))
	b.id, b.text, b.at = append(b.id, shortID(r)), append(b.text, e.Text), append(b.at, r.RecordedAt)
}

func foldCommentRemoved(b *commentsBatch, _ eventstore.Record, e domain.CommentRemoved) {
	b.removed = append(b.removed, e.Comment)
}

func foldCommentsCleared(b *commentsBatch, r eventstore.Record, e domain.CommentsCleared) {
	b.cleared.live, b.cleared.user = append(b.cleared.live, int64(e.Live)), append(b.cleared.user, int64(e.User))
	b.cleared.position = append(b.cleared.position, r.Position)
}

func foldCommentsForgotten(b *commentsBatch, _ eventstore.Record, e domain.UserForgotten) {
	b.forgotten = append(b.forgotten, int64(e.User))
}

func writeComments(b *commentsBatch, tables *pgx.Batch) {
	if len(b.position) > 0 {
		tables.Queue(insertComment, b.position, b.id, b.live, b.user, b.text, b.at)
	}
	if len(b.removed) > 0 { // another event may have removed a comment before
		tables.Queue(deleteComment, b.removed)
	}
	if len(b.cleared.live) > 0 {
		tables.Queue(deleteCommentsOfUser, b.cleared.live, b.cleared.user, b.cleared.position)
	}
	if len(b.forgotten) > 0 {
		tables.Queue(eraseComment, b.forgotten)
	}
}

// Comment is a comment in a live, with the current profile of its author.
type Comment struct {
	Position int64
	ID       string // id of the delta about the comment
	Live     domain.LiveID
	User     Profile
	Text     string
	At       time.Time
}

// CommentFilter selects comments. Fields with the zero value select all.
type CommentFilter struct {
	Live domain.LiveID
	User domain.UserID
	// Known leaves out comments of users who were forgotten. It has an effect only together with Live.
	Known bool
	// Recorded leaves out comments that were posted at no time of a finished recording. It has an effect only together with Live.
	Recorded bool
	Window
}

// Comments returns a page of the comments of a live.
func (q *Queries) Comments(ctx context.Context, f CommentFilter) ([]Comment, error) {
	sql, args := f.statement()
	return many(ctx, q, "comments", scanComment, sql, args)
}

func (f CommentFilter) statement() (sql string, args pgx.NamedArgs) {
	sql = selectComments.With(sqltemplate.Options{
		"live": f.Live != 0, "user": f.User != 0, "known": f.Known, "recorded": f.Recorded, "oldest_first": f.OldestFirst,
	})
	after, before, limit := f.bounds()
	return sql, pgx.NamedArgs{"live": f.Live, "user": f.User, "after": after, "before": before, "limit": limit}
}

func scanComment(row pgx.CollectableRow) (c Comment, err error) {
	err = row.Scan(&c.Position, &c.ID, &c.Live, &c.User.ID, &c.User.Username, &c.User.Nickname, &c.User.Avatar, &c.Text, &c.At)
	c.At = c.At.UTC()
	return c, err
}
