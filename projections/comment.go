package projections

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// Comments projects the comments in lives.
var Comments = Projection{
	Name: "comments", Version: 1, Tables: []string{"comment"},
	Handlers: []Handler{on(foldComment), on(foldCommentsForgotten)},
	Write:    writes(writeComments),
}

type commentsBatch struct {
	position, live, user []int64
	id, text             []string
	at                   []time.Time
	forgotten            []int64
}

func foldComment(b *commentsBatch, r eventstore.Record, e domain.CommentPosted) {
	b.position, b.live, b.user = append(b.position, r.Position), append(b.live, int64(e.Live)), append(b.user, int64(e.User))
	b.id, b.text, b.at = append(b.id, shortID(r)), append(b.text, e.Text), append(b.at, r.RecordedAt)
}

func foldCommentsForgotten(b *commentsBatch, _ eventstore.Record, e domain.UserForgotten) {
	b.forgotten = append(b.forgotten, int64(e.User))
}

func writeComments(b *commentsBatch, tables *pgx.Batch) {
	if len(b.position) > 0 {
		tables.Queue(insertComment, b.position, b.id, b.live, b.user, b.text, b.at)
	}
	if len(b.forgotten) > 0 {
		tables.Queue(eraseComment, b.forgotten)
	}
}

// Comment is a comment in a live, with the current profile of its author.
type Comment struct {
	Position int64
	ID       string // ID of the comment's Delta
	Live     domain.LiveID
	User     Profile
	Text     string
	At       time.Time
}

// CommentFilter selects comments. Zero fields select all.
type CommentFilter struct {
	Live domain.LiveID
	User domain.UserID
	Window
}

// Comments returns a page of comments.
func (q *Queries) Comments(ctx context.Context, f CommentFilter) ([]Comment, error) {
	after, before, limit := f.bounds()
	return many(ctx, q, "comments", scanComment, f.in(selectComments), f.Live, f.User, after, before, limit)
}

func scanComment(row pgx.CollectableRow) (c Comment, err error) {
	err = row.Scan(&c.Position, &c.ID, &c.Live, &c.User.ID, &c.User.Username, &c.User.Nickname, &c.User.Avatar, &c.Text, &c.At)
	c.At = c.At.UTC()
	return c, err
}
